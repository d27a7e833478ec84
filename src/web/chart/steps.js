// A series as steps: a value holds until the next one. Null is none, or the beginning of a gap.

// The path of a series until a second.
export function stepPath({ at, values }, end, x, y) {
  let path = "";
  values.forEach((value, n) => {
    if (value === null) return;
    const joins = n > 0 && values[n - 1] !== null;
    path += `${joins ? "V" : `M${x(at[n]).toFixed(1)} `}${y(value).toFixed(1)}H${x(at[n + 1] ?? end).toFixed(1)}`;
  });
  return path;
}

// The value at a second; undefined: before the first one or within a gap.
export function valueAt({ at, values }, gaps, second) {
  if (gaps.some(([from, to]) => second >= from && second < to)) return undefined;
  return values[at.findLastIndex((time) => time <= second)];
}
