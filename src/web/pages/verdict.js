// What the history means, in a sentence, with how sure it is. The numbers are those of /insight: nothing is added here.

import * as format from "../app/format.js";
import { t } from "../app/i18n.js";

// Days with a known price below which a verdict is not sure.
const SURE_DAYS = 60;

// { text, confidence, isGood }
export function verdictOf(insight) {
  const { lowest, price_percentile: percentile, window } = insight;
  if (percentile.value === null) return { text: t("verdict.unknown", { why: t(`missing.${percentile.missing.code}`) }), confidence: t("confidence.none") };
  const share = format.percent(percentile.value);
  const days = format.integer(window.days);
  const isSure = percentile.coverage * window.days >= SURE_DAYS;
  const confidence = t(isSure ? "confidence.high" : "confidence.low", { coverage: format.percent(percentile.coverage), days });
  if (lowest.value?.is_lowest_ever) return { text: t("verdict.lowest_ever"), confidence, isGood: true };
  if (lowest.value?.is_lowest_of_90_days) return { text: t("verdict.lowest_90"), confidence, isGood: true };
  if (percentile.value >= 0.75) return { text: t("verdict.good", { share, days }), confidence, isGood: true };
  if (percentile.value >= 0.35) return { text: t("verdict.usual", { share, days }), confidence };
  return { text: t("verdict.high", { share, days }), confidence };
}
