// What is done to many products at once.

import { products } from "../app/api.js";
import { formDialog } from "../app/dialog.js";
import { button, h, icon, replace } from "../app/dom.js";
import { input } from "../app/form.js";
import { t } from "../app/i18n.js";
import { notice, showError } from "../app/notice.js";
import { frequencyChoice } from "../app/parts.js";
import { go } from "../app/router.js";
import { tagsOf } from "./board-row.js";

// The most that the API changes in one request.
const AT_ONCE = 1000;

// The filters of the address as a body has them.
function filterOf({ sort, ...filters }) {
  const value = (name, text) => (["failing", "at_low", "competitor"].includes(name) ? text === "true" : text);
  return Object.fromEntries(Object.entries(filters).filter(([, text]) => text).map(([name, text]) => [name, value(name, text)]));
}

// Does something to the products of a target, { ids } or { filter }, in as many requests as it takes. `onstep` hears how many are done.
async function change({ ids, filter }, what, onstep, keepalive) {
  let [all, failures, after] = [0, 0];
  do {
    const part = ids ? { ids: ids.slice(all, all + AT_ONCE) } : { filter, after };
    const { changed, unchanged, failed, next_after } = await products.bulk({ ...part, ...what }, keepalive);
    all += changed + unchanged + failed;
    failures += failed;
    after = next_after;
    onstep?.(all);
  } while (ids ? all < ids.length : after);
  return { done: all - failures, failures };
}

// `page` has the selection, the filters, the list, and how many match. Returns the bar, and what other parts of the page do.
export function makeBulk(page) {
  const element = h("div.bulk", { hidden: true, role: "region", "aria-label": t("bulk.name") });
  // The products of deletions that can be undone yet, with what does them now.
  const waiting = new Map();
  const target = () => (page.isAll ? { filter: filterOf(page.filters) } : { ids: [...page.selected] });

  function draw(progress) {
    const count = page.selected.size;
    const matching = page.matching();
    const plain = (key, name, act) => button("", act, [icon(name), t(key)], { disabled: progress > 0 });
    const does = (key, name, what) => plain(key, name, () => act(target(), what, key));
    element.hidden = count === 0;
    replace(
      element,
      h("b", { role: "status" }, progress ? t("bulk.progress", { count: progress }) : page.isAll ? t("bulk.all", { count: matching }) : t("bulk.selected", { count })),
      !page.isAll && page.list.hasMore() && count >= page.list.rows.size ? button("", () => page.set(page.list.ids(), true, true), t("bulk.select_all", { count: matching })) : null,
      does("bulk.crawl", "crawl", { action: "crawl" }),
      plain("bulk.tags", "tag", tags),
      plain("bulk.frequency", "clock", frequency),
      does("bulk.pause", "pause", { change: { status: "paused" } }),
      does("bulk.resume", "resume", { change: { status: "active" } }),
      plain("bulk.alert", "alert", alert),
      plain("action.delete", "delete", remove),
      plain("bulk.clear", "ended", page.selectNone),
    );
  }

  async function act(of, what, key) {
    try {
      const { done, failures } = await change(of, what, draw);
      notice(`${t("bulk.done", { action: t(key), count: done })} ${failures ? t("bulk.failed", { count: failures }) : ""}`, { isError: failures > 0 });
    } catch (error) {
      showError(error);
    }
    draw();
    await page.list.refresh(of.ids ?? page.list.ids());
  }

  // The dialog closes at once: the bar shows the progress.
  const tags = () => formDialog(t("bulk.tags"), "bulk.apply", [input("add", "bulk.add_tags"), input("remove", "bulk.remove_tags")],
    ({ add, remove }) => void act(target(), { change: { add_tags: tagsOf(add), remove_tags: tagsOf(remove) } }, "bulk.tags"));

  const frequency = () => formDialog(t("bulk.frequency"), "bulk.apply", [frequencyChoice("daily")], (values) => void act(target(), { change: values }, "bulk.frequency"));

  // A rule is about one product, or those with a tag: others get one first.
  function alert() {
    const { ids, filter } = target();
    if (ids?.length === 1) return go(`/alerts/new?product_id=${ids}`);
    formDialog(t("bulk.alert"), "bulk.next", [input("tag", "bulk.alert_tag", { required: true, value: filter?.tag ?? "" })], async ({ tag }) => {
      if (tag !== filter?.tag || Object.keys(filter).length > 1) await act(target(), { change: { add_tags: [tag] } }, "bulk.tags");
      go(`/alerts/new?tag=${encodeURIComponent(tag)}`);
    });
  }

  // Nothing is deleted until the time to undo it has passed, or the page is left: until then the rows are hidden.
  function remove() {
    const of = target();
    const ids = of.ids ?? page.list.ids();
    const end = async (isDone, keepalive) => {
      if (isDone) await change(of, { action: "delete" }, undefined, keepalive).catch(showError);
      waiting.delete(ids);
      await (of.filter ? page.list.load() : page.list.refresh(ids));
    };
    const close = notice(t("bulk.deleted", { count: of.ids?.length ?? page.matching() }), { action: t("action.undo"), onaction: () => end(false), onend: () => end(true) });
    waiting.set(ids, () => {
      close();
      end(true, true);
    });
    for (const id of ids) page.list.rows.get(id).element.hidden = true;
    if (of.filter) page.list.more.hidden = true;
    page.selectNone();
  }

  return {
    element, draw, act,
    isHidden: (id) => [...waiting.keys()].some((ids) => ids.includes(id)),
    leave: () => waiting.forEach((finish) => finish()),
  };
}
