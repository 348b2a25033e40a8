import { afterAll, beforeAll, expect, test } from 'vitest';
import { startRun } from '../../src/commands/run.ts';
import { startSweep } from '../../src/commands/sweep.ts';
import { planSweep } from '../../src/commands/sweepPlan.ts';
import { parseTrainingConfig, type TrainingConfig } from '../../src/domain/trainingConfig.ts';
import type { UserInputError } from '../../src/errors.ts';
import { splitImages } from '../../src/learner/split.ts';
import { findRun } from '../../src/store/run.ts';
import { experimentOf, image, manifest, readyDataset } from '../support/catalogue.ts';
import { type TestContext, testContext } from '../support/commandContext.ts';
import { problemsOf } from '../support/problems.ts';

/** Ids whose order by code point is neither that of a language nor that of UTF-16. */
const odd = ['B', 'a', 'Z', 'é', 'e', '\uffee', '😀', '10', '9', '_', 'ä', 'É'];
const labelOf = (i: number) => (i < 2 ? 'rare' : i % 2 ? 'blast' : 'hispa');
const images = [
  ...odd.map((name, i) => image('TRAIN', `${name}.jpg`, labelOf(i))),
  ...['b.jpg', 'c.jpg'].map((name) => image('HOLDOUT', name, 'rare')),
  ...['a0.jpg', 'a1.jpg', 'a2.jpg'].map((name) => image('TRAIN', name, 'left out')),
  image('TEST', 't.jpg', null),
];
const config = {
  architecture: 'convnext_atto',
  itemTransform: { size: { height: 64, width: 64 } },
  size: { height: 32, width: 32 },
  effectiveBatchSize: 2,
  labels: ['rare', 'blast', 'hispa'],
  validFraction: 0.4,
};

let ctx: TestContext;
let experimentId: string;
beforeAll(async () => {
  ctx = await testContext();
  experimentId = await experimentOf(ctx.db.prisma, await readyDataset(ctx.db.prisma, 'few', manifest(images)));
});
afterAll(() => ctx.close());

/** What the trainer would say. */
function trainerRefusal(changes: Partial<TrainingConfig>, seed: number): string | null {
  try {
    splitImages(images, { ...parseTrainingConfig(config).config!, ...changes }, seed);
    return null;
  } catch (error) {
    return (error as UserInputError).problems[0]!.message;
  }
}

const seeds = Array.from({ length: 40 }, (_, seed) => seed);

test('a run is refused exactly when its trainer would refuse the split, in the same words', async () => {
  const refused = seeds.filter((seed) => trainerRefusal({}, seed) !== null);
  expect(refused.length).toBeGreaterThan(1);
  expect(refused.length).toBeLessThan(seeds.length);
  for (const seed of seeds) {
    const start = (more: object) => startRun(ctx, { experimentId, config: { ...config, ...more } });
    if (refused.includes(seed)) {
      const problem = `INVALID config.validFraction: ${trainerRefusal({}, seed)}`;
      expect(await problemsOf(start({ seed }))).toEqual([problem]);
      expect(await problemsOf(start({ seed: 1, splitSeed: seed }))).toEqual([problem]);
      expect(problem).toMatch(/label "rare" were drawn for validation with seed \d+; .* choose another splitSeed$/);
    } else {
      await start({ seed });
    }
  }
});

test('a seed that is drawn is one with which every label trains', async () => {
  for (let i = 0; i < 12; i++) {
    const run = await findRun(ctx.db.prisma, await startRun(ctx, { experimentId, config }));
    expect(trainerRefusal({}, run!.config.seed as number)).toBeNull();
  }
  const { itemTransform, size, architecture, ...rest } = config;
  const sweep = { experimentId, architectures: [architecture], preprocessings: [{ itemTransform, size }] };
  const fractions = [0.4, 0.3];
  const id = await startSweep(ctx, { ...sweep, config: { ...rest, validFraction: fractions } });
  const runs = await ctx.db.prisma.run.findMany({ where: { sweepId: id }, select: { config: true } });
  const [first, second] = runs.map((run) => run.config as unknown as TrainingConfig);
  expect(first!.seed).toBe(second!.seed);
  for (const validFraction of fractions) expect(trainerRefusal({ validFraction }, first!.seed!)).toBeNull();
});

test('a sweep tells which of its seeds leaves a label without images', async () => {
  const { itemTransform, size, architecture, ...rest } = config;
  const of = (splitSeed: readonly number[]) => ({
    ...{ experimentId, architectures: [architecture], preprocessings: [{ itemTransform, size }] },
    config: { ...rest, splitSeed },
  });
  const plan = await planSweep(ctx.db.prisma, of(seeds));
  expect(plan.runs.map(({ problems }) => problems[0]?.message ?? null)).toEqual(
    seeds.map((seed) => trainerRefusal({ splitSeed: seed }, 0)),
  );
  expect(plan.problems.length).toBeGreaterThan(1);
  expect(await problemsOf(startSweep(ctx, of(seeds)))).toHaveLength(plan.problems.length);
});
