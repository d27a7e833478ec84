// Scales and their ticks.

// A linear scale from a domain to pixels.
export function linear([low, high], [from, to]) {
  const factor = high === low ? 0 : (to - from) / (high - low);
  const scale = (value) => from + (value - low) * factor;
  scale.invert = (pixel) => (factor === 0 ? low : low + (pixel - from) / factor);
  scale.domain = [low, high];
  return scale;
}

// Round values within a domain, about as many as wanted.
export function ticks([low, high], wanted = 5) {
  if (high <= low) return [low];
  const rough = (high - low) / wanted;
  const magnitude = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * magnitude).find((step) => step >= rough);
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, n) => (first + n) * step);
}

const HOUR = 3600e3;
const DAY = 24 * HOUR;
const SIZES = { hour: HOUR, day: DAY, month: 30 * DAY, year: 365 * DAY };
const STEPS = [["hour", 1, 3, 6, 12], ["day", 1, 2, 7, 14], ["month", 1, 3, 6], ["year", 1, 2, 5]].flatMap(([unit, ...counts]) => counts.map((count) => [count, unit]));

// Times at which an axis from one to another is labelled: where the clocks and the calendar of the user's zone show something round.
export function timeTicks([from, to], wanted, { clockAt, timeOfClock }) {
  const [count, unit] = STEPS.find(([count, unit]) => (to - from) / (count * SIZES[unit]) <= wanted) ?? STEPS.at(-1);
  const begin = clockAt(from);
  const year = new Date(begin).getUTCFullYear();
  const floor = (value) => Math.floor(value / count) * count;
  const clocks = {
    hour: (n) => (floor(begin / HOUR) + n) * HOUR,
    // 1970 began on a Thursday; weeks begin on Mondays.
    day: (n) => (floor(begin / DAY + 3) - 3 + n) * DAY,
    month: (n) => Date.UTC(year, floor(new Date(begin).getUTCMonth()) + n, 1),
    year: (n) => Date.UTC(floor(year) + n, 0, 1),
  };
  const at = [];
  for (let n = 0, time = 0; time <= to; n += count) {
    if (time >= from && time !== at.at(-1)) at.push(time);
    time = timeOfClock(clocks[unit](n));
  }
  return { unit, at };
}

// The range of values, without the few that are far away from all others: one slip of a seller does not flatten the rest.
export function withoutOutliers(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
  const [low, high] = [at(0.02), at(0.98)];
  const reach = Math.max(high - low, high * 0.05) * 1.5;
  return [Math.max(sorted[0], low - reach), Math.min(sorted.at(-1), high + reach)];
}
