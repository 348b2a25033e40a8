/** A stretch of an axis and how much lies in it. */
export interface Bin {
  readonly from: number;
  /** Beyond it, except in the last bin, which has its end too. */
  readonly to: number;
  readonly count: number;
}

/** Finite values counted in so many bins of equal width over `range`, or over their own extent. Values outside of the range are not counted. */
export function binned(values: readonly number[], bins: number, range?: readonly [number, number]): Bin[] {
  const finite = values.filter(Number.isFinite);
  if (finite.length === 0 && !range) return [];
  let [from, to] = range ?? finite.reduce(([a, b], v) => [Math.min(a, v), Math.max(b, v)], [finite[0]!, finite[0]!]);
  if (from === to) {
    from -= 0.5;
    to += 0.5;
  }
  const counts = new Array<number>(bins).fill(0);
  for (const value of finite) {
    if (value < from || value > to) continue;
    counts[Math.min(Math.floor(((value - from) / (to - from)) * bins), bins - 1)]!++;
  }
  const edge = (index: number) => from + ((to - from) * index) / bins;
  return counts.map((count, index) => ({ from: edge(index), to: edge(index + 1), count }));
}
