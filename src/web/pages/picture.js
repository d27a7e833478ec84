// The picture of a product, from our own origin; its initials where there is none.

import { products } from "../app/api.js";
import { h, svg } from "../app/dom.js";

// The first request of a picture has it fetched, so one that is missing is asked for again, but not with each change of its row.
const RETRY_MILLIS = 60000;
const missing = new Map();

export function picture(product) {
  const src = product.image_url && products.image(product);
  if (!src || Date.now() - (missing.get(src) ?? 0) < RETRY_MILLIS) return initials(product);
  const onerror = () => {
    missing.set(src, Date.now());
    image.replaceWith(initials(product));
  };
  const image = h("img.initials", { src, alt: "", loading: "lazy", width: 40, height: 40, onerror });
  return image;
}

// The first letters of the brand or the title, in a colour of its own.
function initials({ brand, title, label, asin }) {
  const name = brand ?? label ?? title ?? asin;
  const letters = name.split(/\s+/).slice(0, 2).map((word) => [...word][0]).join("").toUpperCase();
  const hue = [...asin].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 360, 7);
  return svg(
    "svg.initials", { viewBox: "0 0 40 40", "aria-hidden": "true" },
    svg("rect", { width: 40, height: 40, rx: 8, fill: `hsl(${hue} 45% 40%)` }),
    svg("text", { x: 20, y: 26, "text-anchor": "middle", fill: "#fff" }, letters),
  );
}
