// A sparkline: the price of the last weeks as steps, with gaps where nothing is known.

import { svg } from "../app/dom.js";

const WIDTH = 96;
const HEIGHT = 24;

// { from, to, at: [seconds since `from`…], values: [minor units or null…] }; null is a gap.
export function spark({ from, to, at, values }, label) {
  const known = values.filter((value) => value !== null);
  if (known.length === 0) return svg("svg.spark", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": label });
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const length = (new Date(to) - new Date(from)) / 1000;
  const x = (second) => ((second / length) * WIDTH).toFixed(1);
  const y = (value) => (high === low ? HEIGHT / 2 : HEIGHT - 2 - ((value - low) / (high - low)) * (HEIGHT - 4)).toFixed(1);
  let path = "";
  let isOpen = false;
  values.forEach((value, n) => {
    if (isOpen) path += `H${x(at[n])}`;
    if (value !== null) path += isOpen ? `V${y(value)}` : `M${x(at[n])} ${y(value)}`;
    isOpen = value !== null;
  });
  if (isOpen) path += `H${WIDTH}`;
  return svg("svg.spark", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": label }, svg("path", { d: path }));
}
