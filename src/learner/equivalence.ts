/** Accumulation against none: the gradient of some images in one micro-batch and in several. */

import type { AccumulationEquivalence } from '../domain/memoryProbe.ts';
import { sizeOf } from '../domain/shape.ts';
import type { TrainerEvent, TrainerJob } from '../domain/trainer.ts';
import type { Engine, State } from '../engine/engine.ts';
import type { Model } from '../models/model.ts';
import { type ModelParameter, trainable } from '../models/parameters.ts';
import type { InitialWeights } from '../models/weights.ts';
import { gradientOf } from './adam.ts';
import { emit, openImages, startingModel, type TrainerDependencies } from './attempt.ts';
import { passOver } from './data.ts';
import { initialLossScale, scalesLoss } from './lossScale.ts';
import { modelEntries } from './predictor.ts';
import { probeData } from './probeData.ts';
import { compileMicroStep } from './steps.ts';

/** Compares on effectiveBatchSize images of the config's labels, repeated where there are fewer, without augmentation. */
export async function* compareAccumulation(
  job: TrainerJob,
  accumulation: number,
  deps: TrainerDependencies,
): AsyncGenerator<TrainerEvent, void> {
  const data = probeData(job);
  const samples = data.samples(job.config.effectiveBatchSize);
  const indices = samples.map((sample) => sample.index);
  const pipeline = await openImages(job, deps, data.images);
  let inputs: Float32Array | undefined;
  try {
    // One batch.
    for await (const { images } of passOver(pipeline, indices, samples.length, deps.signal)) inputs = images.slice();
  } finally {
    await pipeline.close();
  }
  yield* emit([], deps.signal);
  const equivalence = await measureEquivalence({
    engine: deps.engine,
    ...(await startingModel(job, data.classes)),
    inputs: inputs!,
    labels: Int32Array.from(samples, (sample) => sample.label),
    accumulation,
  });
  yield* emit([{ kind: 'compared', equivalence }], deps.signal);
}

export interface EquivalenceOptions {
  readonly engine: Engine;
  readonly model: Model;
  /** A value for every parameter and buffer. */
  readonly weights: InitialWeights;
  /** [samples, ...model.inputShape] */
  readonly inputs: Float32Array;
  /** One per sample. */
  readonly labels: Int32Array;
  /** Must divide the samples. */
  readonly accumulation: number;
  /** The step to judge, instead of the one that training takes (for tests of the judgement). */
  readonly compile?: typeof compileMicroStep;
}

/**
 * Loss and gradient of every trainable weight, once over all samples and once accumulated over `accumulation` equal micro-batches, by the
 * step that training takes. Without dropout and drop-path, and with batch normalisation on its running statistics: its statistics per
 * micro-batch would differ by design.
 */
export async function measureEquivalence(options: EquivalenceOptions): Promise<AccumulationEquivalence> {
  const { accumulation, labels } = options;
  const whole = await gradientsOf(options, labels.length);
  const parts = await gradientsOf(options, labels.length / accumulation);
  let dot = 0;
  let squares = 0;
  let otherSquares = 0;
  let gradientMax = 0;
  let gradientDifference = 0;
  for (const [name, expected] of whole.gradients) {
    const other = parts.gradients.get(name)!;
    for (let i = 0; i < expected.length; i++) {
      const a = expected[i]!;
      const b = other[i]!;
      dot += a * b;
      squares += a * a;
      otherSquares += b * b;
      gradientMax = Math.max(gradientMax, Math.abs(a));
      gradientDifference = Math.max(gradientDifference, Math.abs(a - b));
    }
  }
  return {
    precision: options.engine.info.precision,
    ...{ accumulation, samples: labels.length, loss: whole.loss },
    lossDifference: Math.abs(whole.loss - parts.loss),
    ...{ gradientMax, gradientDifference },
    // Two gradients of nothing but zeros point the same way.
    gradientCosine: squares === 0 && otherSquares === 0 ? 1 : dot / Math.sqrt(squares * otherSquares),
  };
}

interface Gradients {
  readonly loss: number;
  readonly gradients: ReadonlyMap<string, Float32Array>;
}

/**
 * Mean loss over all samples and the gradients accumulated over micro-batches of `batchSize`: where losses are scaled, at the largest
 * scale of training's at which they are finite, and divided by it.
 */
async function gradientsOf(
  { engine, model, weights, inputs, labels, compile = compileMicroStep }: EquivalenceOptions,
  batchSize: number,
): Promise<Gradients> {
  const trained = trainable(model.parameters, false);
  const state = await createState(engine, model, weights, trained);
  const step = await compile(engine, state, withRunningStatistics(model), trained, batchSize, labels.length);
  const rowLength = sizeOf(model.inputShape);
  const accumulated = async (lossScale: number | null): Promise<Gradients> => {
    let loss = 0;
    for (let row = 0; row < labels.length; row += batchSize) {
      const out = await step.run({
        inputs: inputs.slice(row * rowLength, (row + batchSize) * rowLength),
        labels: labels.slice(row, row + batchSize),
        ...(lossScale && { lossScale }),
      });
      loss += (out.loss![0]! * batchSize) / labels.length;
    }
    const gradients = new Map<string, Float32Array>();
    for (const { name } of trained) {
      const values = (await state.read(gradientOf(name))) as Float32Array;
      gradients.set(name, lossScale ? values.map((value) => value / lossScale) : values);
    }
    return { loss, gradients };
  };
  try {
    if (!scalesLoss(engine)) return await accumulated(null);
    for (let lossScale = initialLossScale; ; lossScale /= 2) {
      const result = await accumulated(lossScale);
      if (lossScale <= 1 || areFinite(result)) return result;
      for (const { name, shape } of trained) await state.write(gradientOf(name), new Float32Array(sizeOf(shape)));
    }
  } finally {
    await step.dispose();
    state.dispose();
  }
}

const areFinite = ({ gradients }: Gradients): boolean =>
  [...gradients.values()].every((values) => values.every(Number.isFinite));

/** The model as evaluation sees it, whose training step then neither draws masks nor moves running statistics. */
function withRunningStatistics(model: Model): Model {
  return { ...model, masks: [], forward: (tensors, inputs) => model.forward(tensors, inputs) };
}

function createState(
  engine: Engine,
  model: Model,
  weights: InitialWeights,
  trained: readonly ModelParameter[],
): Promise<State> {
  const gradients = Object.fromEntries(trained.map(({ name, shape }) => [gradientOf(name), { shape }]));
  return engine.createState({ ...modelEntries(model, weights), ...gradients });
}
