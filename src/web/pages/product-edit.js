// Changing how a product is tracked.

import { products } from "../app/api.js";
import { openDialog } from "../app/dialog.js";
import { form, input } from "../app/form.js";
import { t } from "../app/i18n.js";
import { frequencyChoice } from "../app/parts.js";

export function editDialog(product, onsaved) {
  const check = (name) => input(name, `product.${name}`, { type: "checkbox", checked: product[name] });
  const fields = [
    input("label", "product.label", { value: product.label ?? "", maxlength: 200, placeholder: product.title ?? "" }),
    input("tags", "product.tags", { value: product.tags.join(", ") }),
    frequencyChoice(product.frequency),
    check("watch_offers"), check("is_competitor"),
  ];
  const dialog = openDialog(".edit", t("product.edit"), form("", "action.save", fields, async ({ label, tags, ...rest }) => {
    await products.change(product.id, { ...rest, label: label || null, tags: tags.split(/\s*,\s*/).filter(Boolean) });
    dialog.close();
    await onsaved();
  }));
}
