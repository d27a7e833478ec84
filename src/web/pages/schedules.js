// Schedules, and the reports that they or people ask for.

import { action } from "../app/action.js";
import { board, competitors, reports, schedules } from "../app/api.js";
import { openDialog } from "../app/dialog.js";
import { h, replace } from "../app/dom.js";
import { nested, valuesOf } from "../app/form.js";
import * as format from "../app/format.js";
import { currentLanguage, t } from "../app/i18n.js";
import { listOf } from "../app/list.js";
import { listen } from "../app/live.js";
import { copyable, when } from "../app/parts.js";
import { about, ask, mayWrite, page, progress, showList, status } from "./work.js";

// 1 January 2023 was a Sunday.
const utc = (options, ...at) => new Intl.DateTimeFormat(currentLanguage(), { ...options, timeZone: "UTC" }).format(Date.UTC(2023, 0, ...at));
const dayName = (day) => utc({ weekday: "long" }, 1 + Number(day));

// A recurrence as the form asks for it: what it has no words for is "cron".
function partsOf({ every, cron }) {
  const [, minute, hour, day, weekday] = /^(\d+) (\d+) (\*|\d+) \* (\*|1-5|[0-7])$/.exec(cron) ?? [];
  const repeat = every ? "every" : day === "*" ? { "*": "daily", "1-5": "workdays" }[weekday] ?? "weekly" : weekday === "*" ? "monthly" : "cron";
  return { repeat, day, weekday, time: minute && `${hour.padStart(2, 0)}:${minute.padStart(2, 0)}` };
}

// "every day at 06:00", and the expression one click away.
function words({ every, cron, time_zone: zone }) {
  const { repeat, time, day, weekday } = partsOf({ every, cron });
  const [, count, unit = every] = /(\d+)(.)/.exec(every) ?? [];
  if (every) return t(`interval.${unit}`, { count });
  const values = { day, time: time && utc({ timeStyle: "short" }, 1, ...time.split(":")), weekday: repeat === "weekly" && dayName(weekday) };
  return [h("details", {}, h("summary", {}, t(`every.${repeat}`, values)), h("code", {}, cron)), h("div.about", {}, zone)];
}

async function bodyOf({ repeat, time, day, weekday, what, recipients, ...values }) {
  const [hour, minute] = time?.split(":").map(Number) ?? [];
  const days = { daily: "* * *", workdays: "* * 1-5", weekly: `* * ${weekday}`, monthly: `${day} * *` }[repeat];
  if (days) values["recurrence.cron"] = `${minute} ${hour} ${days}`;
  if (what) values["action.kind"] = /all|tag/.test(what) ? "crawl" : what;
  if (what === "all") values["action.all"] = true;
  if (recipients) values["action.recipients"] = recipients.split(/[\s,;]+/);
  for (const field of Object.keys(values).filter((name) => name.endsWith("product_id"))) {
    const [found] = (await board.rows({ text: values[field], limit: 1 })).items;
    if (!found) throw { errors: [{ field, message: t("empty.filtered") }] };
    values[field] = found.product.id;
  }
  return nested(values);
}

async function choices(isNew) {
  const sets = (await competitors.all()).items.map(({ id, name }) => [id, name]);
  const zones = [...new Set([format.timeZone(), "UTC", ...Intl.supportedValuesOf("timeZone")])].map((zone) => [zone, zone]);
  const days = [1, 2, 3, 4, 5, 6, 0].map((day) => [String(day), dayName(day)]);
  return { what: [...(isNew ? [] : [""]), "all", "tag", "category", "report"], "subject.set_id": sets, time_zone: zones, weekday: days };
}

async function edit({ id, name, overrun, recurrence = { cron: "0 6 * * *" } }, what, onsend) {
  const values = { name, overrun, what, time_zone: format.timeZone(), ...recurrence, ...partsOf(recurrence) };
  const send = async (sent) => onsend(await (id ? schedules.change(id, await bodyOf(sent)) : schedules.add(await bodyOf(sent))));
  const element = await ask(id ? "action.edit" : "schedules.add", "schedule", send, values, await choices(!id));
  const times = h("ol.times", { "aria-label": t("schedules.preview"), "aria-live": "polite" });
  element.lastChild.before(h("p.muted", {}, t("schedules.preview")), times);
  const preview = async () => {
    // What it does is not needed for that, and may not be complete yet.
    const { "action.subject.product_id": _, ...sent } = valuesOf(element);
    const { times: next } = await bodyOf(sent).then((body) => schedules.preview(body.recurrence)).catch(() => ({ times: [] }));
    replace(times, next.map((at) => h("li", {}, format.dateTime(at))));
  };
  element.addEventListener("change", preview);
  preview();
}

// Shows the schedules that do this, or all, until the page ends; the button that adds one stands in the bar.
function listSchedules(head, view, kind) {
  const list = listOf("schedules.title", "schedule when next last actions", async (query) => {
    const answer = await schedules.list(query);
    return { ...answer, items: answer.items.filter(({ action }) => !kind || action.kind === kind) };
  }, (schedule) => {
    const { id, name, action, is_enabled: isOn, last_job_status: last } = schedule;
    const change = (key, perform, question) => action(key, async () => { await perform(); await list.load(); }, { question });
    return [
      [name, h("div.about", {}, about(action), action.recipients?.map((to) => h("span.tag", {}, to)))], words(schedule.recurrence), isOn ? when(schedule.next_run_at) : t("status.paused"), last ? status(last) : "–",
      [action("schedules.runs", () => showList(name, "schedules.runs", "started state outcome", (query) => schedules.runs(id, query), ({ at, result, error }) => [when(at), status(result), error ?? "–"])), mayWrite() && [
        change("schedules.run", () => schedules.run(id)), change(isOn ? "bulk.pause" : "bulk.resume", () => schedules.change(id, { is_enabled: !isOn })),
        action("action.edit", () => edit(schedule, "", list.put)), change("action.delete", () => schedules.remove(id), t("schedules.delete", { name })),
      ]],
    ];
  });
  if (mayWrite()) head.append(action("schedules.add", () => edit({}, kind ?? "all", list.put), { look: ".primary" }));
  view.append(list.element);
  list.load();
  return listen((event) => event.kind === "job" && event.data.finished_at && event.data.created_by?.startsWith("schedule:") && list.load());
}

export const schedulesPage = page("schedules.title", listSchedules);

const FORMATS = ["html", "xlsx", "csv", "markdown", "json"];

// Days are those of the time zone of the report.
function daysOf({ from, to, time_zone: timeZone }) {
  return new Intl.DateTimeFormat(currentLanguage(), { dateStyle: "medium", timeZone }).formatRange(new Date(from), new Date(to) - 1);
}

function link({ id }) {
  ask("reports.link", "link", async (query) => {
    const { url } = await reports.link(id, query);
    openDialog("", t("reports.link"), copyable(t("reports.link"), url));
  });
}

export const reportsPage = page("reports.title", (head, view) => {
  const list = listOf("reports.title", "report state made expires files actions", reports.list, (report) => {
    const { id, subject, status: of, job, expires_at: end } = report;
    const isDone = of === "done";
    const file = (format) => h("a", { href: reports.fileUrl(id, format), target: "_blank" }, t(`field.format.${format}`));
    return [
      [subject.tag || subject.kind === "tenant" ? about({ subject }) : report.title ?? about({ subject }), h("div.about", {}, daysOf(report.window))], [status(of), isDone || !job ? report.error : progress(job)], when(report.created_at), end ? format.date(end) : "–", isDone && FORMATS.map(file),
      mayWrite() && [isDone && action("reports.link", async () => link(report)), action("action.delete", async () => { await reports.remove(id); await list.load(); }, { question: t("reports.delete") })],
    ];
  });
  const show = async (job) => list.put({ ...(await reports.get(job.parameters.report_id)), job });
  const add = async () => ask("reports.add", "report", async (sent) => show(await reports.add(await bodyOf(sent))), {}, await choices());
  if (mayWrite()) head.append(action("reports.add", add, { look: ".primary" }));
  const bar = h("div.bar", {}, h("h2", {}, t("reports.schedules")));
  view.append(list.element, bar);
  list.load();
  const stops = [listSchedules(bar, view, "report"), listen(({ kind, data }) => kind === "job" && data.kind === "report" && show(data).catch(() => {}))];
  return () => stops.forEach((stop) => stop());
});
