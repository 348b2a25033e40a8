/**
 * Which runs to combine, and how often each: greedy ensemble selection with replacement (Caruana, Niculescu-Mizil, Crew and
 * Ksikes, "Ensemble Selection from Libraries of Models", ICML 2004).
 */

import { smallestProbability } from './score.ts';

/** What is made small; the other one decides between equals. */
export type SelectionMetric = 'ERROR_RATE' | 'LOG_LOSS';

export interface SelectionScore {
  readonly errorRate: number;
  readonly logLoss: number;
}

export interface SelectionTask {
  /** Row-major [truth.length, columns] class probabilities of each. */
  readonly candidates: readonly Float32Array[];
  readonly columns: number;
  /** The true column of every row. */
  readonly truth: Int32Array;
  readonly metric: SelectionMetric;
  /** The best this many candidates begin (sorted initialisation); null: as many of the best as score best together. */
  readonly initialMembers: number | null;
  /** Picks in all, repeated ones counted. */
  readonly maxPicks: number;
  /** Different candidates at most. */
  readonly maxMembers: number;
}

/** A pick and the score of the mean of all picks so far. */
export interface SelectionStep extends SelectionScore {
  /** Into the candidates. */
  readonly candidate: number;
}

export interface Selection {
  /** In the order picked, up to `maxPicks`. */
  readonly steps: readonly SelectionStep[];
  /** The ensemble is the first so many steps: the shortest beginning that scores best, the initial members at least. */
  readonly kept: number;
}

/**
 * Sorts candidates by their own score, begins with the best ones, then adds whichever candidate makes the mean of all picks best,
 * again and again; a candidate may be picked many times, which gives it weight. Among equals the one that is better alone wins,
 * then the first. Deterministic. Scores are those of the weighted mean as `weightedMean` and `score` make it: argmax and logarithm
 * of probabilities rounded to float32.
 */
export function selectMembers(task: SelectionTask): Selection {
  const { candidates, metric, maxPicks, maxMembers } = task;
  const sums = new Float64Array(candidates[0]!.length);
  const alone = candidates.map((candidate) => scoreWith(task, sums, candidate, 1));
  const ranked = candidates.map((_, i) => i).sort((a, b) => compare(metric, alone[a]!, alone[b]!) || a - b);

  const steps: SelectionStep[] = [];
  const picked = new Set<number>();
  const pick = (candidate: number, score: SelectionScore) => {
    const values = candidates[candidate]!;
    for (let i = 0; i < sums.length; i++) sums[i]! += values[i]!;
    picked.add(candidate);
    steps.push({ candidate, ...score });
  };

  const initial = initialMembers(task, ranked);
  for (const candidate of ranked.slice(0, initial)) {
    pick(candidate, scoreWith(task, sums, candidates[candidate]!, steps.length + 1));
  }
  while (steps.length < maxPicks) {
    const allowed = picked.size < maxMembers ? ranked : ranked.filter((candidate) => picked.has(candidate));
    let best: SelectionStep | undefined;
    for (const candidate of allowed) {
      const score = scoreWith(task, sums, candidates[candidate]!, steps.length + 1);
      if (!best || compare(metric, score, best) < 0) best = { candidate, ...score };
    }
    pick(best!.candidate, best!);
  }
  let kept = initial;
  for (let length = initial + 1; length <= steps.length; length++) {
    if (compare(metric, steps[length - 1]!, steps[kept - 1]!) < 0) kept = length;
  }
  return { steps, kept };
}

/** How many of the best begin. */
function initialMembers(task: SelectionTask, ranked: readonly number[]): number {
  const most = Math.min(ranked.length, task.maxPicks, task.maxMembers);
  if (task.initialMembers !== null) return Math.min(task.initialMembers, most);
  const sums = new Float64Array(task.candidates[0]!.length);
  let best: { readonly count: number; readonly score: SelectionScore } | undefined;
  for (let count = 1; count <= most; count++) {
    const values = task.candidates[ranked[count - 1]!]!;
    const score = scoreWith(task, sums, values, count);
    if (!best || compare(task.metric, score, best.score) < 0) best = { count, score };
    for (let i = 0; i < sums.length; i++) sums[i]! += values[i]!;
  }
  return best!.count;
}

/** Below 0 when `a` is better. */
function compare(metric: SelectionMetric, a: SelectionScore, b: SelectionScore): number {
  return metric === 'ERROR_RATE'
    ? a.errorRate - b.errorRate || a.logLoss - b.logLoss
    : a.logLoss - b.logLoss || a.errorRate - b.errorRate;
}

/** Smaller by more than this share: smaller in float32 too. */
const clearlySmaller = 1 - 2 ** -20;

/** Score of (sums + values) / count. */
function scoreWith(
  { columns, truth }: SelectionTask,
  sums: Float64Array,
  values: Float32Array,
  count: number,
): SelectionScore {
  let wrong = 0;
  let loss = 0;
  for (let row = 0, start = 0; row < truth.length; row++, start += columns) {
    const column = truth[row]!;
    const total = sums[start + column]! + values[start + column]!;
    const probability = Math.fround(total / count);
    loss -= Math.log(Math.max(probability, smallestProbability));
    // The first of the largest is the prediction: an equal one before the true column wins, one behind it does not.
    const bound = total * clearlySmaller;
    for (let other = 0; other < columns; other++) {
      const rival = sums[start + other]! + values[start + other]!;
      if (rival < bound || other === column) continue;
      const rounded = Math.fround(rival / count);
      if (other < column ? rounded >= probability : rounded > probability) {
        wrong++;
        break;
      }
    }
  }
  return { errorRate: wrong / truth.length, logLoss: loss / truth.length };
}
