/** What the file of a finished run says besides its weights: text by key, in the header of the safetensors file. */

import { z } from 'zod';
import { type Architecture, findArchitecture, timmName } from '../domain/architecture.ts';
import type { Precision } from '../domain/precision.ts';
import { type Size, sizeSchema } from '../domain/size.ts';
import type { ItemTransform } from '../domain/trainingConfig.ts';
import { messageOf } from '../errors.ts';

/** Keys of the head: in no network of timm, so that whoever reads only the body can leave them out. */
export const savedHeadPrefix = 'fastai_head.';

/** Version of the layout; it changes when old readers could not read new files. */
const layout = '1';

const producer = 'rungraph';

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
  /** What the run's engine computed in. */
  readonly precision: Precision;
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
    z.object({
      ...{ batchSize: z.int().min(1), seed: z.int().min(0), minScale: z.number(), beta: z.number() },
      precision: z.enum(['FP32', 'FP16', 'BF16']).default('FP32'),
    }),
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

/** @throws SavedModelError when no run has written it */
export function readMetadata(
  path: string,
  metadata: Readonly<Record<string, string>>,
): { readonly info: SavedModelInfo; readonly prediction: PredictionSettings } {
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

/** All of a file's metadata. Other programs look for the format: keys and layouts are PyTorch's. */
export function writeMetadata(info: SavedModelInfo, prediction: PredictionSettings): Record<string, string> {
  return {
    ...{ format: 'pt', producer, layout, head_prefix: savedHeadPrefix },
    ...describeModel(info),
    prediction: JSON.stringify(prediction),
  };
}

/** The image size that a file's network was trained at, or null when no run has written it. */
export function trainedSize(metadata: Readonly<Record<string, string>>): Size | null {
  if (metadata.producer !== producer) return null;
  return json(sizeSchema).safeParse(metadata.image_size).data ?? null;
}
