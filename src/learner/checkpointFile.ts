/** The file of a checkpoint: safetensors with everything that the rest of a training depends on. */

import { z } from 'zod';
import { openSafetensors } from '../blobs/safetensors.ts';
import { writeSafetensors } from '../blobs/safetensorsWriter.ts';
import { TensorFileError } from '../blobs/tensorFile.ts';
import { type CheckpointHeader, checkpointHeader } from '../domain/checkpoint.ts';
import { gradientOf, meanOf, squareOf } from './adam.ts';
import type { Learner } from './learner.ts';

const count = z.int().min(0);
const stateSchema = z.object({
  /** Fits finished. */
  fit: count,
  /** Of the next fit; null: it has not begun, or there is none. */
  fitState: z
    .object({
      ...{ epoch: count, batch: count, samples: count },
      smoothedLoss: z.object({ mean: z.number(), count }),
      steps: z.object({
        adam: z.object({ steps: count, previousMomentum: z.number() }),
        lossScale: z.object({ value: z.number(), steps: count }).nullable(),
      }),
    })
    .nullable(),
  reporter: z.object({
    ...{ epoch: count, step: count, epochElapsed: z.number(), epochTraining: z.number(), elapsed: z.number() },
    ...{ finishedTrainingAfter: z.number(), training: z.number(), peak: z.number(), epochPeak: z.number() },
  }),
});

/** Where a training stands, besides its tensors. All random draws are functions of seed, fit, epoch and index: there is no other state. */
export type TrainingState = z.infer<typeof stateSchema>;

/** A checkpoint that was read. */
export interface OpenCheckpoint {
  readonly header: CheckpointHeader;
  readonly state: TrainingState;
  /** Writes the tensors into a learner of the same training. */
  restore(learner: Learner): Promise<void>;
  close(): Promise<void>;
}

/**
 * Writes the file whole or not at all. Weights and buffers are always in it, gradients and moments where they are not all zeros, which is
 * what they start as; moments only within a fit, for every fit begins with fresh ones.
 */
export async function writeCheckpoint(
  path: string,
  header: CheckpointHeader,
  state: TrainingState,
  learner: Learner,
): Promise<void> {
  const { parameters, buffers } = learner.model;
  const trained = parameters.map(({ name }) => name);
  const moments = state.fitState ? trained.flatMap((name) => [meanOf(name), squareOf(name)]) : [];
  const names = [...parameters, ...buffers].map(({ name }) => name);
  for (const name of [...trained.map(gradientOf), ...moments]) {
    if (learner.tensors.names.includes(name) && !(await isZero(learner, name))) names.push(name);
  }
  const tensors = names.map((name) => {
    const { shape } = learner.tensors.spec(name);
    return [name, { shape, fetch: () => learner.tensors.read(name) as Promise<Float32Array> }] as const;
  });
  const metadata = { ...header, attempt: String(header.attempt), state: JSON.stringify(state) };
  await writeSafetensors(path, new Map(tensors), metadata);
}

/**
 * Opens a file for a training with this fingerprint.
 * @throws TensorFileError when it is damaged, or of another training
 */
export async function openCheckpoint(path: string, fingerprint: string): Promise<OpenCheckpoint> {
  const file = await openSafetensors(path);
  try {
    const header = checkpointHeader(file.metadata);
    if (!header) throw new TensorFileError(`${path} is not a checkpoint`);
    if (header.fingerprint !== fingerprint) throw new TensorFileError(`${path} is a checkpoint of another training`);
    const state = stateSchema.parse(JSON.parse(file.metadata.state ?? 'null'));
    return {
      ...{ header, state, close: file.close },
      async restore({ model, tensors }) {
        const missing = [...model.parameters, ...model.buffers].find(({ name }) => !file.entries.has(name));
        if (missing) throw new TensorFileError(`${path} has no ${missing.name}`);
        for (const name of file.entries.keys()) await tensors.write(name, (await file.read(name)) as Float32Array);
      },
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Whether every bit is 0: a negative zero is a value of its own. */
async function isZero({ tensors }: Learner, name: string): Promise<boolean> {
  const { buffer, byteOffset, length } = await tensors.read(name);
  return new Int32Array(buffer, byteOffset, length).every((bits) => bits === 0);
}
