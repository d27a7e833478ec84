// Public links to a product: created, copied and revoked in a dialog.

import { action } from "../app/action.js";
import { shares } from "../app/api.js";
import { base } from "../app/base.js";
import { openDialog } from "../app/dialog.js";
import { h, replace } from "../app/dom.js";
import { form, input } from "../app/form.js";
import * as format from "../app/format.js";
import { t } from "../app/i18n.js";
import { showError } from "../app/notice.js";
import { copyable } from "../app/parts.js";

// The button that opens the dialog.
export const shareButton = (productId) => action("share.title", () => open(productId), { icon: "share" });

function open(productId) {
  const created = h("div", { role: "status" });
  const list = h("ul.list");
  const options = ["label", "tags", "target"].map((name) => input(name, `share.shows_${name}`, { type: "checkbox" }));
  const create = form("", "share.create", [h("p.muted", {}, t("share.explain")), options], async (values) => {
    const { token } = await shares.add(productId, values);
    const url = `${location.origin}${base}/c/${token}`;
    replace(created, h("p", {}, t("share.once")), copyable(t("share.page"), url), copyable(t("share.image"), `${url}.png`));
    await load();
  });
  const item = ({ id, created_at, used_at }) => h("li.shared-link", {},
    h("span", {}, t("share.created", { at: format.dateTime(created_at) }), ", ", used_at ? t("share.used", { at: format.relative(used_at) }) : t("share.unused")),
    action("share.revoke", () => shares.revoke(id).then(load)));
  const load = async () => {
    const { items } = await shares.of(productId);
    replace(list, items.length ? items.map(item) : h("li.muted", {}, t("share.none")));
  };
  openDialog(".shares", t("share.title"), [create, created, h("h3", {}, t("share.links")), list]);
  load().catch(showError);
}
