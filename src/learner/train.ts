/** A whole training run: split, fits, predictions, weights. */

import type { Split } from '../domain/dataset.ts';
import type { TrainerEvent, TrainerImage, TrainerJob } from '../domain/trainer.ts';
import { batchProblem, microBatchSize, type TrainingConfig } from '../domain/trainingConfig.ts';
import type { ImagePipeline } from '../vision/pipeline.ts';
import { emit, openImages, openLearner, seedOf, type TrainerDependencies } from './attempt.ts';
import type { OpenCheckpoint } from './checkpointFile.ts';
import { CheckpointWriter } from './checkpoints.ts';
import { type DataOptions, fitData, type Sample } from './data.ts';
import { TrainingFailure } from './failure.ts';
import type { Learner } from './learner.ts';
import { runFit } from './loop.ts';
import { predictBatches, predictImages } from './predict.ts';
import { RunReporter } from './reporter.ts';
import { saveModel } from './saveModel.ts';
import { planFits } from './schedules.ts';
import { byImageId, type LabelledImage, splitImages, type TrainingSplit } from './split.ts';
import { describeSkipped, findUnreadable } from './unreadable.ts';

/** A set of images to predict after training. */
interface PredictionTask {
  readonly split: Split;
  readonly images: readonly TrainerImage[];
  readonly passes: number;
}

/** @param checkpoint goes on there instead of at the start */
export async function* train(
  job: TrainerJob,
  deps: TrainerDependencies,
  checkpoint: OpenCheckpoint | null,
): AsyncGenerator<TrainerEvent, void> {
  const { config } = job;
  const seed = seedOf(config);
  const whole = splitImages(job.images, config, seed);
  const { split, tasks } = yield* readable(job, { split: whole, tasks: predictionTasks(job, whole) }, deps);
  const fits = planFits(config);
  const batchSize = microBatchSize(config);
  const images = imagesOf(split, tasks);
  const indexOf = new Map(images.map((image, index) => [image, index]));
  const samples = (labelled: readonly LabelledImage[]): Sample[] =>
    labelled.map((image) => ({ index: indexOf.get(image)!, label: split.vocab.indexOf(image.label) }));

  const reporter = new RunReporter(
    {
      batchSize,
      epochs: fits.reduce((sum, fit) => sum + fit.epochs, 0),
      trainBatches: Math.floor(split.train.length / batchSize),
      validBatches: Math.ceil(split.valid.length / batchSize),
      predictBatches: tasks.reduce((sum, task) => sum + batchesOf(task, batchSize), 0),
    },
    deps.now,
    deps.memory,
    checkpoint?.state.reporter,
  );
  const { train, valid, vocab } = split;
  const seeds = config.splitSeed === null ? `seed ${seed}` : `seed ${seed}, splitSeed ${config.splitSeed}`;
  const line = `${train.length} images to train on, ${valid.length} to validate, ${vocab.length} labels, ${seeds}`;
  yield { kind: 'log', stream: 'trainer', line };
  yield* emit(await reporter.preparing(), deps.signal);
  const pipeline = await openImages(job, deps, images);
  try {
    const notes: string[] = [];
    // A checkpoint has every weight: what the training began with is not needed again.
    const weights = checkpoint ? null : job.weights;
    const learner = await openLearner({ config, weights }, deps.engine, vocab.length, (note) => notes.push(note));
    try {
      for (const note of notes) yield { kind: 'log', stream: 'trainer', line: note };
      await checkpoint?.restore(learner);
      deps.drain.throwIfAborted();
      const data: DataOptions = {
        pipeline,
        train: samples(split.train),
        valid: samples(split.valid),
        masks: learner.model.masks,
        batchSize,
        seed,
        signal: deps.signal,
      };
      const checkpoints = new CheckpointWriter(job, deps, learner, reporter);
      const start = checkpoint?.state ?? { fit: 0, fitState: null };
      let before = 0;
      for (const [number, fit] of fits.entries()) {
        const first = before;
        before += fit.epochs * Math.floor(split.train.length / batchSize);
        if (number < start.fit) continue;
        const from = number === start.fit ? start.fitState : null;
        for await (const event of runFit(learner, fit, fitData(data, number), from, first)) {
          yield* emit(await reporter.fit(event, fit.frozen), deps.signal);
          yield* checkpoints.after(event, fit, number);
        }
      }
      for (const task of tasks) {
        // After further training they are made again: only the worker knows whether those that are stored are the same.
        if (start.fit === fits.length && isPredicted(job, task)) {
          yield* emit(await reporter.skipped(batchesOf(task, batchSize)), deps.signal);
          continue;
        }
        const indices = task.images.map((image) => indexOf.get(image)!);
        yield* predict(task, indices, split.vocab, config, learner, pipeline, reporter, deps);
      }
      yield* saveModel(job, learner, split.vocab, deps.engine.info.precision);
      yield* emit(await reporter.finish(), deps.signal);
    } finally {
      await learner.dispose();
    }
  } finally {
    await pipeline.close();
  }
}

interface ImagePlan {
  readonly split: TrainingSplit;
  readonly tasks: readonly PredictionTask[];
}

function imagesOf(split: TrainingSplit, tasks: readonly PredictionTask[]): TrainerImage[] {
  return [...new Set<TrainerImage>([...split.train, ...split.valid, ...tasks.flatMap((task) => task.images)])];
}

/** The plan without the images that cannot be read, where they are to be left out. The others keep their places. */
async function* readable(
  { config, skipped: known }: TrainerJob,
  plan: ImagePlan,
  { signal }: TrainerDependencies,
): AsyncGenerator<TrainerEvent, ImagePlan> {
  if (config.unreadableImages === 'FAIL') return plan;
  let ids = known;
  if (!ids) {
    const images = imagesOf(plan.split, plan.tasks);
    const skipped = await findUnreadable(images, signal);
    if (skipped.length) yield { kind: 'log', stream: 'trainer', line: describeSkipped(skipped, images.length) };
    yield { kind: 'skipped', images: skipped };
    ids = skipped.map((image) => image.imageId);
  }
  const left = new Set(ids);
  const without = <T extends TrainerImage>(images: readonly T[]) => images.filter(({ imageId }) => !left.has(imageId));
  const split = { ...plan.split, train: without(plan.split.train), valid: without(plan.split.valid) };
  const problem = split.valid.length ? batchProblem(split.train.length, config) : 'no image is left to validate on';
  if (problem) throw new TrainingFailure('DATA_UNREADABLE', `without the images that cannot be read ${problem}`);
  const tasks = plan.tasks.map((task) => ({ ...task, images: without(task.images) }));
  return { split, tasks: tasks.filter((task) => task.images.length > 0) };
}

/**
 * VALID plainly, as validation saw it; TEST and HOLDOUT with test-time augmentation, where the data set has such images. A run that
 * was trained on some labels only predicts the hold-out's images of those: the others it could not be scored on.
 */
function predictionTasks({ config, images }: TrainerJob, { valid, vocab }: TrainingSplit): PredictionTask[] {
  const { predict } = config;
  const of = (split: Split) => images.filter((image) => image.split === split).sort(byImageId);
  const holdout = of('HOLDOUT').filter(({ label }) => label !== null && vocab.includes(label));
  const tasks: PredictionTask[] = [
    ...(predict.valid ? [{ split: 'VALID', images: valid, passes: 0 } as const] : []),
    ...(predict.test ? [{ split: 'TEST', images: of('TEST'), passes: predict.ttaPasses } as const] : []),
    ...(predict.holdout ? [{ split: 'HOLDOUT', images: holdout, passes: predict.ttaPasses } as const] : []),
  ];
  return tasks.filter((task) => task.images.length > 0);
}

const kindOf = ({ passes }: PredictionTask) => (passes > 0 ? 'TTA' : 'PLAIN');

const batchesOf = ({ images, passes }: PredictionTask, batchSize: number): number =>
  predictBatches(images.length, batchSize, passes);

/** Whether an earlier attempt has done it. */
function isPredicted({ resume }: TrainerJob, task: PredictionTask): boolean {
  return resume?.predicted.some(({ split, kind }) => split === task.split && kind === kindOf(task)) ?? false;
}

async function* predict(
  task: PredictionTask,
  indices: readonly number[],
  vocab: readonly string[],
  config: TrainingConfig,
  learner: Learner,
  pipeline: ImagePipeline,
  reporter: RunReporter,
  { signal, drain }: TrainerDependencies,
): AsyncGenerator<TrainerEvent, void> {
  const { split, images, passes } = task;
  const beta = config.predict.ttaBeta;
  const options = { passes, beta, seed: seedOf(config), key: split, signal };
  const batches = predictImages(learner, pipeline, indices, options);
  let next = await batches.next();
  for (; !next.done; next = await batches.next()) {
    yield* emit(await reporter.predicted(), signal);
    // The weights are in a checkpoint already.
    drain.throwIfAborted();
  }
  yield {
    kind: 'predictions',
    predictions: {
      split,
      kind: kindOf(task),
      imageIds: images.map((image) => image.imageId),
      vocab,
      probabilities: next.value,
      passes,
      beta: passes > 0 ? beta : null,
    },
  };
}
