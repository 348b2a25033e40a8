/** Starting values of a run: drawn, or read from a pretrained file. */

import { fileURLToPath } from 'node:url';
import { openSafetensors, SafetensorsError, type SafetensorsFile } from '../blobs/safetensors.ts';
import type { Architecture } from '../domain/architecture.ts';
import { sizeOf } from '../domain/shape.ts';
import type { Size } from '../domain/trainingConfig.ts';
import { bodyPrefix, type Model } from './model.ts';
import { initialValues, type ModelParameter, type ParameterSpec } from './parameters.ts';
import { resizePositionEmbedding } from './positionEmbedding.ts';
import { patchGrid } from './vit.ts';

/** Pretrained weights cannot be had or do not fit. The message says what to do. */
export class WeightsError extends Error {
  override readonly name = 'WeightsError';
}

export interface WeightsSource {
  readonly pretrained: boolean;
  /** A path or file: URL of a safetensors file with timm's keys. */
  readonly weightsUri: string | null;
}

/** One value array per parameter and buffer. */
export type InitialWeights = Map<string, Float32Array>;

/** All values drawn from `seed`; with `pretrained` those of the body are then read from the file. */
export async function initialWeights(
  model: Model,
  architecture: Architecture,
  size: Size,
  source: WeightsSource,
  seed: number,
): Promise<InitialWeights> {
  const path = source.pretrained ? weightsPath(architecture, source.weightsUri) : null;
  const body = model.parameters.filter((p) => p.group === 0);
  const read = path === null ? new Map<string, Float32Array>() : await readBody(path, body, architecture, size);
  return new Map([
    ...model.parameters.map((p): [string, Float32Array] => [p.name, read.get(p.name) ?? initialValues(p, seed)]),
    ...model.buffers.map((b): [string, Float32Array] => [b.name, new Float32Array(sizeOf(b.shape)).fill(b.value)]),
  ]);
}

function weightsPath(architecture: Architecture, uri: string | null): string {
  const advice =
    'set weightsUri to a safetensors file on the worker (timm keys), or pretrained: false to start from random weights';
  if (uri === null) {
    throw new WeightsError(
      `no pretrained weights for ${architecture.name} (timm tag ${architecture.pretrainedTag}): downloading is not supported; ${advice}`,
    );
  }
  if (uri.startsWith('file:')) return fileURLToPath(uri);
  if (/^[a-z][a-z0-9+.-]+:/i.test(uri)) {
    throw new WeightsError(`weightsUri ${JSON.stringify(uri)} is not a local path or file: URL; ${advice}`);
  }
  return uri;
}

async function readBody(
  path: string,
  parameters: readonly ModelParameter[],
  architecture: Architecture,
  size: Size,
): Promise<InitialWeights> {
  try {
    const file = await openSafetensors(path);
    try {
      checkKeys(file, parameters, architecture);
      const values: InitialWeights = new Map();
      for (const p of parameters) {
        const key = timmKey(p);
        if (file.entries.has(key)) values.set(p.name, await readParameter(file, p, key, architecture, size));
      }
      return values;
    } finally {
      await file.close();
    }
  } catch (error) {
    throw error instanceof SafetensorsError ? new WeightsError(error.message) : error;
  }
}

function timmKey({ name }: ParameterSpec): string {
  return name.slice(bodyPrefix.length + 1);
}

/** Another depth of the same family has the same keys up to its depth: what is left over tells them apart. */
function checkKeys(file: SafetensorsFile, parameters: readonly ModelParameter[], architecture: Architecture): void {
  const missing = parameters.filter((p) => p.used && !file.entries.has(timmKey(p))).map(timmKey);
  if (missing.length) {
    throw new WeightsError(
      `${file.path} lacks ${missing.length} of the parameters of ${architecture.name}, first ${missing[0]}: is it another architecture?`,
    );
  }
  const known = new Set([...parameters.map(timmKey), ...classifierKeys(architecture)]);
  const unknown = [...file.entries.keys()].filter((key) => !known.has(key));
  if (unknown.length) {
    throw new WeightsError(
      `${file.path} has ${unknown.length} tensors that ${architecture.name} has not, first ${unknown[0]}: is it another architecture?`,
    );
  }
}

/** The file's classifier is not used. */
function classifierKeys({ family }: Architecture): string[] {
  const name = family === 'vit' ? 'head' : 'head.fc';
  return [`${name}.weight`, `${name}.bias`];
}

async function readParameter(
  file: SafetensorsFile,
  { shape }: ParameterSpec,
  key: string,
  architecture: Architecture,
  size: Size,
): Promise<Float32Array> {
  const stored = file.entries.get(key)!;
  const data = await file.read(key);
  if (!(data instanceof Float32Array)) {
    throw new WeightsError(`${file.path}: ${key} is ${stored.dtype}, expected floating point numbers`);
  }
  if (architecture.family === 'vit' && key === 'pos_embed' && stored.shape[1] !== shape[1]) {
    const from = patchGrid(architecture.defaultSize, architecture.patch);
    const expected = [1, 1 + from.rows * from.columns, architecture.dim];
    checkShape(file.path, key, stored.shape, expected);
    return resizePositionEmbedding(data, architecture.dim, from, patchGrid(size, architecture.patch));
  }
  checkShape(file.path, key, stored.shape, shape);
  return data;
}

function checkShape(path: string, key: string, found: readonly number[], expected: readonly number[]): void {
  if (found.length === expected.length && found.every((side, i) => side === expected[i])) return;
  throw new WeightsError(`${path}: ${key} has shape [${found.join(', ')}], expected [${expected.join(', ')}]`);
}
