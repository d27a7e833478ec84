// The first run: a product, the price to wait for, and where to be told, in three steps.

import { alerts, channels, products } from "../app/api.js";
import { button, h, icon, replace } from "../app/dom.js";
import { form, input, labelled, select } from "../app/form.js";
import * as format from "../app/format.js";
import { t } from "../app/i18n.js";
import { notice, showError } from "../app/notice.js";
import { listingOf } from "./add.js";
import { nameOf } from "./board-row.js";

// Where a link leads, by what it contains; any other is a webhook.
const KINDS = [["discord.com/api/webhooks", "discord", "webhook_url"], ["hooks.slack.com", "slack", "webhook_url"], ["", "webhook", "url"]];

function channelOf(target) {
  if (!target.includes("/")) return { kind: "email", name: target, config: { to: target } };
  const [, kind, field] = KINDS.find(([part]) => target.includes(part));
  return { kind, name: target.slice(0, 200), config: { [field]: target } };
}

// `onadd` is called once the product is there, `onend` when all is done. The board shows it the row of the product `id` when it changes.
export function firstRun(onadd, onend) {
  const heading = (n) => h("h2", {}, t(`first.step${n}`));
  const steps = [1, 2, 3].map((n) => h("li", {}, heading(n), h("p.muted", {}, t(`first.step${n}_hint`))));
  const guide = { element: h("div.first", {}, h("h2", {}, t("first.title")), h("ol", {}, steps)), show };
  const later = () => button("", onend, t("first.later"));
  let isAsked = false;

  steps[0].append(form("", "first.track", [input("url", "add.one", { required: true, placeholder: t("first.placeholder") })], async ({ url }) => {
    ({ id: guide.id } = await products.add(listingOf(url)));
    replace(steps[0], heading(1), h("p", { role: "status" }, icon("crawl"), " ", t("board.first_crawl")));
    await onadd();
  }));

  function show({ product, low }) {
    if (isAsked || !product.checked_at) return;
    isAsked = true;
    replace(steps[0], h("h2", {}, nameOf(product)), h("p", {}, icon("done"), " ", format.money(product.price)));
    if (product.price) ask(product, low ?? product.price).catch(showError);
    else replace(steps[1], heading(2), h("p", {}, t("first.no_price")), later());
  }

  async function ask({ id, price }, low) {
    const { items } = await channels.list();
    const { currency } = price;
    const unit = 10 ** format.exponentOf(currency);
    const target = h("input", { type: "number", min: "0", step: String(1 / unit), value: String(Math.min(low.amount_minor, price.amount_minor) / unit) });
    replace(steps[1], heading(2), labelled("first.target", target, t("first.suggested", { low: format.money(low), price: format.money(price), currency })));
    const known = select("channel", "first.channel", [...items.map((one) => [one.id, one.name]), ["", t("first.new_channel")]]);
    const to = input("to", "first.to", { placeholder: t("first.to_placeholder") });
    const list = known.querySelector("select");
    list.onchange = () => { to.hidden = Boolean(list.value); };
    list.onchange();
    const answer = h("p", { role: "status" });
    // The channel that is chosen; a new one is made once.
    const channel = async (text) => {
      if (!list.value) {
        const made = await channels.add(channelOf(text));
        list.append(h("option", { value: made.id, selected: true }, made.name));
        list.onchange();
      }
      return list.value;
    };
    const editor = form("", "first.save", [known, to, answer], async (values) => {
      await alerts.add({ product_id: id, kind: "price_at_or_below", target: { amount_minor: Math.round(target.value * unit), currency }, channels: [await channel(values.to)] });
      notice(t("first.done"));
      onend();
    });
    const test = async () => {
      const { error, note } = await channels.test(await channel(editor.elements.to.value));
      replace(answer, icon(error ? "failing" : "done"), " ", error ?? note ?? t("first.tested"));
    };
    editor.querySelector(".actions").prepend(later(), button("", () => test().catch(showError), t("first.test")));
    replace(steps[2], heading(3), editor);
    target.focus();
  }

  return guide;
}
