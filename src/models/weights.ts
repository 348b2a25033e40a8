/** Starting values of a run: drawn, or read from a pretrained file. */

import path from 'node:path';
import { openTensorFile } from '../blobs/openTensorFile.ts';
import { type TensorFile, TensorFileError } from '../blobs/tensorFile.ts';
import type { Architecture } from '../domain/architecture.ts';
import { sizeOf } from '../domain/shape.ts';
import type { Size } from '../domain/trainingConfig.ts';
import { bodyPrefix, type Model } from './model.ts';
import { initialValues, type ModelParameter, type ParameterSpec } from './parameters.ts';
import { trainedSize } from './savedMetadata.ts';
import { fitTensor } from './weightFitting.ts';
import { type WeightLayout, weightLayout } from './weightLayouts.ts';

/** Pretrained weights do not fit. The message says what to do. */
export class WeightsError extends Error {
  override readonly name = 'WeightsError';

  constructor(message: string) {
    super(
      `${message}; set weightsUri to a file or hub repository of this architecture, or pretrained: false to start from random weights`,
    );
  }
}

/** One value array per parameter and buffer. */
export type InitialWeights = Map<string, Float32Array>;

/**
 * All values drawn from `seed`; those of the body are then read from the file `weightsFile`, unless it is null.
 * @param note gets one line about what was read
 * @throws WeightsError when the file is unusable or belongs to another architecture
 */
export async function initialWeights(
  model: Model,
  architecture: Architecture,
  size: Size,
  weightsFile: string | null,
  seed: number,
  note: (line: string) => void = () => {},
): Promise<InitialWeights> {
  const body = model.parameters.filter((p) => p.group === 0);
  const read = weightsFile === null ? new Map() : await readBody(weightsFile, body, architecture, size, note);
  return new Map([
    ...model.parameters.map((p): [string, Float32Array] => [p.name, read.get(p.name) ?? initialValues(p, seed)]),
    ...model.buffers.map((b): [string, Float32Array] => [b.name, new Float32Array(sizeOf(b.shape)).fill(b.value)]),
  ]);
}

async function readBody(
  weightsFile: string,
  parameters: readonly ModelParameter[],
  architecture: Architecture,
  size: Size,
  note: (line: string) => void,
): Promise<InitialWeights> {
  try {
    const file = await openTensorFile(weightsFile);
    try {
      const layout = weightLayout(architecture.family, [...file.entries.keys()]);
      const found = locate(file, layout, parameters, architecture);
      const values: InitialWeights = new Map();
      for (const p of parameters) {
        const key = found.keys.get(timmKey(p));
        if (key !== undefined) values.set(p.name, await readParameter(file, layout, p, key, architecture, size));
      }
      note(describe(file, layout, values.size, found.ignored));
      return values;
    } finally {
      await file.close();
    }
  } catch (error) {
    throw error instanceof TensorFileError ? new WeightsError(error.message) : error;
  }
}

function timmKey({ name }: ParameterSpec): string {
  return name.slice(bodyPrefix.length + 1);
}

interface Located {
  /** The file's key by timm's. */
  readonly keys: ReadonlyMap<string, string>;
  /** Keys of the file that are not used. */
  readonly ignored: readonly string[];
}

/**
 * Which tensor of the file is which parameter. A parameter that is missing is an error, and so is a tensor of a part that the
 * architecture has where it has no such tensor: another depth of the same family has the same keys as far as it goes.
 */
function locate(
  file: TensorFile,
  layout: WeightLayout,
  parameters: readonly ModelParameter[],
  { name }: Architecture,
): Located {
  const keys = new Map<string, string>();
  const ignored: string[] = [];
  const foreign: string[] = [];
  const known = new Set(parameters.map(timmKey));
  const parts = new Set([...known].map(part));
  for (const fileKey of file.entries.keys()) {
    const key = layout.timmKey(fileKey);
    if (key === null || !parts.has(part(key))) ignored.push(fileKey);
    else if (!known.has(key)) foreign.push(fileKey);
    else if (keys.has(key)) throw new WeightsError(`${file.path} has ${key} twice, as ${keys.get(key)} and ${fileKey}`);
    else keys.set(key, fileKey);
  }
  const missing = parameters.filter((p) => p.used && !keys.has(timmKey(p))).map(timmKey);
  if (missing.length) {
    throw new WeightsError(
      `${file.path} lacks ${missing.length} of the parameters of ${name}, first ${missing[0]}: is it another architecture?`,
    );
  }
  if (foreign.length) {
    throw new WeightsError(
      `${file.path} has ${foreign.length} tensors that ${name} has not, first ${foreign[0]}: is it another architecture?`,
    );
  }
  return { keys, ignored };
}

/** `stages` of `stages.0.blocks.1.gamma`. */
function part(key: string): string {
  return key.split('.', 1)[0]!;
}

async function readParameter(
  file: TensorFile,
  layout: WeightLayout,
  parameter: ParameterSpec,
  key: string,
  architecture: Architecture,
  size: Size,
): Promise<Float32Array> {
  const { dtype, shape } = file.entries.get(key)!;
  const from = file.metadata ? trainedSize(file.metadata) : null;
  const convert = fitTensor({ ...parameter, name: timmKey(parameter) }, shape, architecture, size, layout, from);
  if (!convert) {
    throw new WeightsError(
      `${file.path}: ${key} has shape [${shape.join(', ')}], but ${architecture.name} at ${size.height}x${size.width} needs [${parameter.shape.join(', ')}]`,
    );
  }
  const data = await file.read(key);
  if (!(data instanceof Float32Array)) {
    throw new WeightsError(`${file.path}: ${key} is ${dtype}, expected floating point numbers`);
  }
  if (!data.every(Number.isFinite)) throw new WeightsError(`${file.path}: ${key} has values that are not finite`);
  return convert(data);
}

function describe(file: TensorFile, { name }: WeightLayout, loaded: number, ignored: readonly string[]): string {
  const shown = ignored.slice(0, 4).join(', ');
  const more = ignored.length > 4 ? ', …' : '';
  const rest = ignored.length ? `${ignored.length} ignored (${shown}${more})` : 'none ignored';
  return `pretrained weights: ${loaded} tensors loaded from ${path.basename(file.path)} (${name} names), ${rest}`;
}
