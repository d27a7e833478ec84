// A series as steps: a value holds until the next one. Null is none, and nothing is known within a gap.

// The path of a series within [from, to].
export function stepPath({ at, values }, gaps, [from, to], x, y) {
  let path = "";
  for (const piece of pieces({ at, values }, gaps, to)) {
    const [start, end] = [Math.max(piece.from, from), Math.min(piece.to, to)];
    if (start >= end) continue;
    const joins = piece.joins && start === piece.from;
    path += joins ? `V${y(piece.value).toFixed(1)}` : `M${x(start).toFixed(1)} ${y(piece.value).toFixed(1)}`;
    path += `H${x(end).toFixed(1)}`;
  }
  return path;
}

// The pieces in which a value holds, cut by the gaps. A piece joins the one before if nothing lies between them.
export function* pieces({ at, values }, gaps, end) {
  let before;
  for (let n = 0; n < values.length; n += 1) {
    if (values[n] === null) continue;
    const until = n + 1 < at.length ? at[n + 1] : end;
    for (const [from, to] of cut(at[n], until, gaps)) {
      yield { from, to, value: values[n], joins: before === from };
      before = to;
    }
  }
}

function* cut(from, to, gaps) {
  let start = from;
  for (const [gapFrom, gapTo] of gaps) {
    if (gapTo <= start || gapFrom >= to) continue;
    if (gapFrom > start) yield [start, gapFrom];
    start = gapTo;
  }
  if (start < to) yield [start, to];
}

// The value at a second; undefined: before the first one or within a gap.
export function valueAt({ at, values }, gaps, second) {
  if (gaps.some(([from, to]) => second >= from && second < to)) return undefined;
  let low = 0;
  let high = at.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (at[middle] <= second) low = middle + 1;
    else high = middle;
  }
  return low === 0 ? undefined : values[low - 1];
}
