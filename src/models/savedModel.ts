/**
 * The file that a finished run leaves: safetensors with the body under timm's own keys, so that
 * `timm.create_model(name, num_classes=0).load_state_dict(tensors, strict=False)` takes it, the head beside it under a prefix of
 * its own, and in the metadata everything that inference needs to know besides the weights.
 */

import { z } from 'zod';
import { openSafetensors, SafetensorsError } from '../blobs/safetensors.ts';
import { writeSafetensors } from '../blobs/safetensorsWriter.ts';
import { type Architecture, findArchitecture } from '../domain/architecture.ts';
import { sizeSchema } from '../domain/size.ts';
import type { ItemTransform, Size } from '../domain/trainingConfig.ts';
import { messageOf } from '../errors.ts';
import { bodyPrefix, headPrefix, type Model } from './model.ts';
import { createModel } from './registry.ts';
import type { InitialWeights } from './weights.ts';

/** Keys of the head: in no network of timm, so that whoever reads only the body can leave them out. */
const savedHeadPrefix = 'fastai_head.';

/** Version of the layout; it changes when old readers could not read new files. */
const layout = '1';

/** A file that no run has written, or that is damaged. The message names it. */
export class SavedModelError extends Error {
  override readonly name = 'SavedModelError';
}

/** What a network was trained as. */
export interface SavedModelInfo {
  readonly runId: string;
  readonly architecture: Architecture;
  /** What the network sees. */
  readonly size: Size;
  readonly itemTransform: ItemTransform;
  /** Labels in the order of the network's outputs. */
  readonly vocab: readonly string[];
}

/** How the run predicts: whoever does the same gets the same probabilities, augmented passes included. */
export interface PredictionSettings {
  /** Images of a batch, which are augmented together. */
  readonly batchSize: number;
  readonly seed: number;
  /** Smallest share of the area that random resized crop keeps. */
  readonly minScale: number;
  /** Weight of the plain pass beside the augmented ones. */
  readonly beta: number;
}

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
  // Other programs look for the format: keys and layouts are PyTorch's.
  const metadata = {
    ...{ format: 'pt', producer: 'rungraph', layout, head_prefix: savedHeadPrefix },
    ...describeModel(info),
    prediction: JSON.stringify(prediction),
  };
  await writeSafetensors(path, new Map(tensors), metadata);
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
    throw error instanceof SafetensorsError ? new SavedModelError(error.message) : error;
  }
}

/** What timm calls the network today: `convnext_tiny` for `convnext_tiny_in22k`. */
export function timmName({ aliases, name, pretrainedTag }: Architecture): string {
  const tagged = aliases.find((alias) => alias.endsWith(`.${pretrainedTag}`));
  return tagged?.slice(0, -pretrainedTag.length - 1) ?? name;
}

/** A tensor's key in the file: timm's for the body. */
function savedKey(name: string): string {
  return name.startsWith(`${bodyPrefix}.`)
    ? name.slice(bodyPrefix.length + 1)
    : `${savedHeadPrefix}${name.slice(headPrefix.length + 1)}`;
}

const json = <T extends z.ZodType>(schema: T) =>
  z.string().transform((text, context): z.output<T> => {
    try {
      return schema.parse(JSON.parse(text));
    } catch (error) {
      context.addIssue({ code: 'custom', message: messageOf(error) });
      return z.NEVER;
    }
  });

const metadataSchema = z.object({
  layout: z.literal(layout),
  run_id: z.string(),
  architecture: z.string(),
  image_size: json(sizeSchema),
  item_transform: json(z.object({ size: sizeSchema, method: z.enum(['CROP', 'SQUISH', 'PAD']) })),
  vocab: json(z.array(z.string()).min(1)),
  prediction: json(
    z.object({ batchSize: z.int().min(1), seed: z.int().min(0), minScale: z.number(), beta: z.number() }),
  ),
});

const sizeText = ({ height, width }: Size): string => JSON.stringify({ height, width });

/** What was trained, as text by key. */
export function describeModel({
  runId,
  architecture,
  size,
  itemTransform,
  vocab,
}: SavedModelInfo): Record<string, string> {
  return {
    run_id: runId,
    architecture: architecture.name,
    timm_name: timmName(architecture),
    image_size: sizeText(size),
    item_transform: `{"method":"${itemTransform.method}","size":${sizeText(itemTransform.size)}}`,
    vocab: JSON.stringify(vocab),
    mean: JSON.stringify(architecture.mean),
    std: JSON.stringify(architecture.std),
  };
}

function readMetadata(
  path: string,
  metadata: Readonly<Record<string, string>>,
): Pick<SavedModel, 'info' | 'prediction'> {
  const parsed = metadataSchema.safeParse(metadata);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new SavedModelError(
      `${path} is not a weights file of a run: its metadata at ${issue?.path.join('.')}: ${issue?.message}`,
    );
  }
  const { run_id: runId, architecture: name, image_size: size, item_transform: itemTransform, vocab } = parsed.data;
  const architecture = findArchitecture(name);
  if (!architecture) throw new SavedModelError(`${path} holds the unknown architecture ${JSON.stringify(name)}`);
  return { info: { runId, architecture, size, itemTransform, vocab }, prediction: parsed.data.prediction };
}
