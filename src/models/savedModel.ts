/**
 * The file that a finished run leaves: safetensors with the body under timm's own keys, so that
 * `timm.create_model(name, num_classes=0).load_state_dict(tensors, strict=False)` takes it, the head beside it under a prefix of
 * its own, and in the metadata everything that inference needs to know besides the weights.
 */

import { openSafetensors } from '../blobs/safetensors.ts';
import { writeSafetensors } from '../blobs/safetensorsWriter.ts';
import { TensorFileError } from '../blobs/tensorFile.ts';
import { bodyPrefix, headPrefix, type Model } from './model.ts';
import { createModel } from './registry.ts';
import {
  type PredictionSettings,
  readMetadata,
  SavedModelError,
  type SavedModelInfo,
  savedHeadPrefix,
  writeMetadata,
} from './savedMetadata.ts';
import type { InitialWeights } from './weights.ts';

/** An open file; values are read one at a time, so that a large network need not lie in memory. */
export interface SavedModel {
  readonly info: SavedModelInfo;
  readonly prediction: PredictionSettings;
  readonly model: Model;
  /** A parameter's or buffer's value by its name in the model. @throws SavedModelError when it is missing or has another shape */
  read(name: string): Promise<Float32Array>;
  close(): Promise<void>;
}

/** Writes the file; `read` gives a parameter's or buffer's value by its name in the model. */
export async function writeSavedModel(
  path: string,
  info: SavedModelInfo,
  prediction: PredictionSettings,
  model: Model,
  read: (name: string) => Promise<Float32Array>,
): Promise<void> {
  const tensors = [...model.parameters, ...model.buffers].map(
    ({ name, shape }) => [savedKey(name), { shape, fetch: () => read(name) }] as const,
  );
  await writeSafetensors(path, new Map(tensors), writeMetadata(info, prediction));
}

/** @throws SavedModelError naming the file and what is wrong when no run has written it */
export async function openSavedModel(path: string): Promise<SavedModel> {
  const file = await asSavedModelError(() => openSafetensors(path));
  try {
    const { info, prediction } = readMetadata(path, file.metadata);
    const model = createModel(info.architecture, info.size, info.vocab.length);
    const shapes = new Map([...model.parameters, ...model.buffers].map(({ name, shape }) => [name, shape]));
    return {
      ...{ info, prediction, model, close: file.close },
      async read(name) {
        const key = savedKey(name);
        const shape = shapes.get(name)!;
        const data = await asSavedModelError(() => file.read(key));
        const stored = file.entries.get(key)!;
        if (data instanceof Float32Array && String(stored.shape) === String(shape)) return data;
        throw new SavedModelError(
          `${path}: ${key} is ${stored.dtype} [${stored.shape.join(', ')}], expected F32 [${shape.join(', ')}]`,
        );
      },
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** A value for every parameter and buffer of the model. */
export async function readWeights({ model, read }: SavedModel): Promise<InitialWeights> {
  const weights: InitialWeights = new Map();
  for (const { name } of [...model.parameters, ...model.buffers]) weights.set(name, await read(name));
  return weights;
}

async function asSavedModelError<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof TensorFileError ? new SavedModelError(error.message) : error;
  }
}

/** A tensor's key in the file: timm's for the body. */
function savedKey(name: string): string {
  return name.startsWith(`${bodyPrefix}.`)
    ? name.slice(bodyPrefix.length + 1)
    : `${savedHeadPrefix}${name.slice(headPrefix.length + 1)}`;
}
