// The data of a chart as a table, with a row for each time at which something changes.

import { h } from "../app/dom.js";
import * as format from "../app/format.js";
import { t } from "../app/i18n.js";
import { valueAt } from "./steps.js";

const MAX_ROWS = 500;

export function dataTable(chart) {
  const { series, gaps } = chart.data;
  const times = [...new Set(series.flatMap(({ at }) => at))].sort((a, b) => b - a);
  const cell = (second) => (of) => {
    const value = valueAt(of, gaps, second);
    return h("td.number", {}, value === undefined ? t("chart.unknown") : chart.text(of.unit, value));
  };
  const row = (second) => h("tr", {}, h("th", { scope: "row" }, h("time", { datetime: chart.timeOf(second).toISOString() }, format.dateTime(chart.timeOf(second)))), series.map(cell(second)));
  const head = h("tr", {}, h("th", { scope: "col" }, t("chart.time")), series.map(({ name, category }) => h("th", { scope: "col" }, t(`series.${name}`), category ? ` (${category})` : null)));
  const rest = times.length > MAX_ROWS ? h("p", {}, t("chart.rows", { shown: format.integer(MAX_ROWS), all: format.integer(times.length) })) : null;
  return h("div", {}, rest, h("div.scroll", {}, h("table.plain", {}, h("thead", {}, head), h("tbody", {}, times.slice(0, MAX_ROWS).map(row)))));
}
