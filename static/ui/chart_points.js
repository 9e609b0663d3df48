// Columns of a chart: {x, y, lower, upper, score}, equally long, x in milliseconds. null in y is a gap, null in lower and upper is "not known yet".
const GAP_STEPS = 3;
const CALM_POINTS = 10;
const HIGH_SCORE = 5;

// The usual distance of two points.
export function usualStep(x) {
  const steps = x.slice(1).map((at, index) => at - x[index]).sort((one, other) => one - other);
  return steps[Math.floor(steps.length / 2)];
}

export const newest = ({x, y}) => x[y.findLastIndex((value) => value != null)] ?? 0;

// What is later than `last`. Frames reach back a little before the one before, for processes that report late.
export function since(points, last) {
  const first = points.x.findIndex((at) => at > last);
  return first < 0 ? undefined : Object.fromEntries(Object.entries(points).map(([name, column]) => [name, column.slice(first)]));
}

// The points one by one, a row without a value before each that comes late.
export function rows(batches, last, step) {
  const all = batches.flatMap(({x, ...columns}) => x.map((at, index) => ({x: at, ...Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, column[index]]))})));
  return all.flatMap((row, index) => {
    const before = index ? all[index - 1].x : last;
    const gap = {x: before + step, y: null, lower: null, upper: null, score: null};
    return row.x - before > GAP_STEPS * step ? [gap, row] : [row];
  });
}

// The band as closed outlines, one for each stretch that has both edges: up along the upper one, back along the lower one.
export function outline(x, lower, upper) {
  const drawn = {x: [], y: []};
  let from = 0;
  for (let at = 0; at <= x.length; at += 1) {
    if (at < x.length && lower[at] != null && upper[at] != null) continue;
    if (at > from) {
      const stretch = x.slice(from, at);
      drawn.x.push(...stretch, ...stretch.toReversed(), null);
      drawn.y.push(...upper.slice(from, at), ...lower.slice(from, at).toReversed(), null);
    }
    from = at + 1;
  }
  return drawn;
}

// Where stretches of anomalous points begin, as telemetry/chart_loading.py marks them: a few normal ones in between do not end a stretch.
export class Beginnings {
  calm = CALM_POINTS;

  seen(y, lower, upper) {
    const odd = y.slice(-CALM_POINTS).map((value, index, last) => {
      const at = y.length - last.length + index;
      return value != null && upper[at] != null && (value > upper[at] || value < lower[at]);
    });
    this.calm = odd.includes(true) ? odd.length - 1 - odd.lastIndexOf(true) : CALM_POINTS;
    return this;
  }

  is({score}) {
    const begins = score > 1 && this.calm >= CALM_POINTS;
    this.calm = score > 1 ? 0 : this.calm + 1;
    return begins;
  }
}

export const symbol = (score) => (score >= HIGH_SCORE ? "triangle-up" : "diamond");
