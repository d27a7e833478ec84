// Scales and their ticks.

// A linear scale from a domain to pixels.
export function linear([low, high], [from, to]) {
  const factor = high === low ? 0 : (to - from) / (high - low);
  const scale = (value) => from + (value - low) * factor;
  scale.invert = (pixel) => (factor === 0 ? low : low + (pixel - from) / factor);
  scale.domain = [low, high];
  return scale;
}

// Round values within a domain, about as many as wanted.
export function ticks([low, high], wanted = 5) {
  if (high <= low) return [low];
  const rough = (high - low) / wanted;
  const magnitude = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * magnitude).find((step) => step >= rough);
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, n) => (first + n) * step);
}

const HOUR = 3600;
const DAY = 24 * HOUR;
const TIME_STEPS = [HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 14 * DAY, 30 * DAY, 91 * DAY, 182 * DAY, 365 * DAY, 730 * DAY];

// Seconds since the start of a chart at which time is labelled.
export function timeTicks([from, to], wanted) {
  const step = TIME_STEPS.find((step) => (to - from) / step <= wanted) ?? TIME_STEPS.at(-1);
  const first = Math.ceil(from / step);
  return { step, at: Array.from({ length: Math.max(0, Math.floor(to / step) - first + 1) }, (_, n) => (first + n) * step) };
}

// The range of values, without the few that are far away from all others: one slip of a seller does not flatten the rest.
export function withoutOutliers(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
  const [low, high] = [at(0.02), at(0.98)];
  const reach = Math.max(high - low, high * 0.05) * 1.5;
  return [Math.max(sorted[0], low - reach), Math.min(sorted.at(-1), high + reach)];
}
