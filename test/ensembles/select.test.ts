import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/domain/random.ts';
import { weightedMean } from '../../src/ensembles/combine.ts';
import { score } from '../../src/ensembles/score.ts';
import { type SelectionMetric, type SelectionTask, selectMembers } from '../../src/ensembles/select.ts';

const vocab = ['a', 'b', 'c'];

interface Case {
  readonly candidates: Float32Array[];
  readonly truth: Int32Array;
}

/** Candidates that are right a little more often than not; few steps of probability, so that scores tie often. */
function drawn(seed: number, candidates: number, rows: number): Case {
  const random = createRandom(seed, 'selection');
  const truth = Int32Array.from({ length: rows }, () => random.integer(vocab.length));
  return {
    truth,
    candidates: Array.from({ length: candidates }, () => {
      const values = new Float32Array(rows * vocab.length);
      for (let row = 0; row < rows; row++) {
        const counts = vocab.map(
          (_, column) => 1 + random.integer(4) + (column === truth[row] ? random.integer(3) : 0),
        );
        const sum = counts.reduce((a, b) => a + b, 0);
        counts.forEach((count, column) => {
          values[row * vocab.length + column] = count / sum;
        });
      }
      return values;
    }),
  };
}

function task(of: Case, more: Partial<SelectionTask> = {}): SelectionTask {
  const defaults = { metric: 'ERROR_RATE', initialMembers: 1, maxPicks: 6, maxMembers: 500 } as const;
  return { ...of, columns: vocab.length, ...defaults, ...more };
}

/** The score of a mean of picks as a saved ensemble has it. */
function scoreOf({ candidates, truth }: Case, picks: readonly number[]) {
  const imageIds = Array.from(truth, (_, row) => `${row}.jpg`);
  const counts = new Map<number, number>();
  for (const pick of picks) counts.set(pick, (counts.get(pick) ?? 0) + 1);
  const members = [...counts].map(([pick, weight]) => {
    return { name: `${pick}`, weight, imageIds, vocab, probabilities: candidates[pick]! };
  });
  const truths = new Map(imageIds.map((id, row) => [id, vocab[truth[row]!]!]));
  const { errorRate, logLoss } = score(weightedMean(members), truths);
  return { errorRate, logLoss };
}

const order = (metric: SelectionMetric) => (a: ReturnType<typeof scoreOf>, b: ReturnType<typeof scoreOf>) =>
  metric === 'ERROR_RATE'
    ? a.errorRate - b.errorRate || a.logLoss - b.logLoss
    : a.logLoss - b.logLoss || a.errorRate - b.errorRate;

/** Scores agree but for the order of float64 additions. */
const alike = (score: ReturnType<typeof scoreOf>) => ({
  errorRate: score.errorRate,
  logLoss: expect.closeTo(score.logLoss, 10),
});

describe.each<SelectionMetric>(['ERROR_RATE', 'LOG_LOSS'])('selection by %s', (metric) => {
  const compare = order(metric);

  it.each([1, 2, 3, 4, 5, 6, 7, 8])('takes the best pick at every step: case %i, by trying them all', (seed) => {
    const of = drawn(seed, 5, 24);
    const { steps, kept } = selectMembers(task(of, { metric }));
    expect(steps).toHaveLength(6);
    const picks: number[] = [];
    for (const step of steps) {
      const tried = of.candidates.map((_, candidate) => scoreOf(of, [...picks, candidate]));
      const best = tried.toSorted(compare)[0]!;
      picks.push(step.candidate);
      expect(step).toMatchObject(alike(scoreOf(of, picks)));
      expect(step[metric === 'ERROR_RATE' ? 'errorRate' : 'logLoss']).toBeCloseTo(
        best[metric === 'ERROR_RATE' ? 'errorRate' : 'logLoss'],
        10,
      );
      expect(step).toMatchObject(alike(best));
    }
    const scores = steps.map(({ errorRate, logLoss }) => ({ errorRate, logLoss }));
    const best = scores.toSorted(compare)[0]!;
    expect(kept).toBe(scores.findIndex((one) => compare(one, best) === 0) + 1);
  });

  it.each([11, 12, 13, 14])(
    'is never worse than the best alone, and not better than the best of all: case %i',
    (seed) => {
      const of = drawn(seed, 4, 15);
      const { steps, kept } = selectMembers(task(of, { metric, maxPicks: 3 }));
      const found = steps[kept - 1]!;
      const alone = of.candidates.map((_, i) => scoreOf(of, [i])).toSorted(compare)[0]!;
      expect(compare(found, alone)).toBeLessThanOrEqual(1e-12);
      const all = [0, 1, 2, 3].flatMap((a) =>
        [0, 1, 2, 3].flatMap((b) => [[a], [a, b], ...[0, 1, 2, 3].map((c) => [a, b, c])]),
      );
      const optimum = all.map((picks) => scoreOf(of, picks)).toSorted(compare)[0]!;
      expect(compare(optimum, found)).toBeLessThanOrEqual(1e-12);
    },
  );
});

describe('selection', () => {
  it('begins with as many of the best as asked for, or as score best together', () => {
    const of = drawn(21, 6, 30);
    const alone = of.candidates
      .map((_, i) => i)
      .sort((a, b) => order('ERROR_RATE')(scoreOf(of, [a]), scoreOf(of, [b])));
    const three = selectMembers(task(of, { initialMembers: 3 }));
    expect(three.steps.slice(0, 3).map((step) => step.candidate)).toEqual(alone.slice(0, 3));
    expect(three.kept).toBeGreaterThanOrEqual(3);
    const chosen = selectMembers(task(of, { initialMembers: null }));
    const prefixes = alone.map((_, i) => scoreOf(of, alone.slice(0, i + 1)));
    const best = prefixes.indexOf(prefixes.toSorted(order('ERROR_RATE'))[0]!) + 1;
    expect(chosen.steps.slice(0, best).map((step) => step.candidate)).toEqual(alone.slice(0, best));
    expect(chosen.kept).toBeGreaterThanOrEqual(best);
  });

  it('keeps to the number of different members, and begins within it', () => {
    const of = drawn(31, 6, 30);
    const { steps } = selectMembers(task(of, { initialMembers: null, maxMembers: 2, maxPicks: 12 }));
    expect(steps).toHaveLength(12);
    expect(new Set(steps.map((step) => step.candidate)).size).toBeLessThanOrEqual(2);
    expect(selectMembers(task(of, { initialMembers: 5, maxPicks: 2 })).steps).toHaveLength(2);
  });

  it('picks one that is better than its peers again: repetition is weight', () => {
    const truth = new Int32Array([0, 0, 0, 0]);
    const strong = new Float32Array([0.9, 0.05, 0.05, 0.9, 0.05, 0.05, 0.9, 0.05, 0.05, 0.4, 0.5, 0.1]);
    const weak = new Float32Array([0.1, 0.8, 0.1, 0.1, 0.8, 0.1, 0.1, 0.8, 0.1, 0.99, 0, 0.01]);
    const { steps, kept } = selectMembers(task({ candidates: [weak, strong], truth }, { maxPicks: 8 }));
    const picks = steps.slice(0, kept).map((step) => step.candidate);
    expect(picks.filter((pick) => pick === 0)).toHaveLength(1);
    expect(picks.filter((pick) => pick === 1).length).toBeGreaterThan(1);
    expect(steps[kept - 1]!.errorRate).toBe(0);
  });

  it('takes the first of equals, is deterministic, and stops adding where nothing improves', () => {
    const { truth, candidates } = drawn(41, 1, 12);
    const twins = { truth, candidates: [candidates[0]!, candidates[0]!.slice(), candidates[0]!.slice()] };
    const selection = selectMembers(task(twins));
    expect(selection.steps.map((step) => step.candidate)).toEqual([0, 0, 0, 0, 0, 0]);
    expect(selection.kept).toBe(1);
    const of = drawn(42, 5, 40);
    expect(selectMembers(task(of, { maxPicks: 20 }))).toEqual(selectMembers(task(of, { maxPicks: 20 })));
  });

  it('predicts the first of equal probabilities, as a submission does', () => {
    const truth = new Int32Array([0, 1]);
    const tied = new Float32Array([0.4, 0.4, 0.2, 0.4, 0.4, 0.2]);
    expect(selectMembers(task({ candidates: [tied], truth }, { maxPicks: 1 })).steps[0]!.errorRate).toBe(0.5);
  });
});
