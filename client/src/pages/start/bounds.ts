/** The least and the most that fields of a recipe may be: the rules of the server, told while one types. A test compares them. */

interface Bounds {
  readonly least?: number;
  readonly most?: number;
  /** Not itself. */
  readonly above?: number;
  readonly below?: number;
}

const mebibytes = 2 ** 20;
const seeds: Bounds = { least: 0, most: 2 ** 31 - 1 };

/** By key of the field. */
const bounds: Readonly<Record<string, Bounds>> = {
  epochs: { least: 1, most: 100_000 },
  freezeEpochs: { least: 0, most: 100_000 },
  baseLearningRate: { above: 0, most: 100 },
  effectiveBatchSize: { least: 2, most: 65_536 },
  accumulation: { least: 1 },
  seed: seeds,
  splitSeed: seeds,
  weightDecay: { least: 0, most: 1 },
  minScale: { above: 0, most: 1 },
  memoryBudget: { least: 64 * mebibytes },
  maxSeconds: { above: 0 },
  validFraction: { above: 0, below: 1 },
  'predict.ttaPasses': { least: 0, most: 64 },
  'predict.ttaBeta': { least: 0, most: 1 },
  'checkpoints.everyMinutes': { least: 0, most: 10_080 },
  'checkpoints.keepLast': { least: 0, most: 100 },
  'checkpoints.keepEvery': { least: 1, most: 100_000 },
};

/** Why a number is none for this field, or null. `typed`: how people write one of its numbers. */
export function boundProblem(key: string, value: number, typed: (value: number) => string): string | null {
  const { least, most, above, below } = bounds[key] ?? {};
  if (least !== undefined && value < least) return `${typed(value)} is too small: it must be ${typed(least)} or more`;
  if (above !== undefined && value <= above)
    return `${typed(value)} is too small: it must be more than ${typed(above)}`;
  if (most !== undefined && value > most) return `${typed(value)} is too large: it must be ${typed(most)} or less`;
  if (below !== undefined && value >= below)
    return `${typed(value)} is too large: it must be less than ${typed(below)}`;
  return null;
}
