/** Checkpoints of a training: how they are named, what they belong to, and which of them stay. */

import { createHash } from 'node:crypto';
import { canonicalJson, type JsonValue } from './json.ts';
import type { EpochMetrics } from './run.ts';
import type { TrainerImage } from './trainer.ts';
import type { CheckpointPolicy, TrainingConfig } from './trainingConfig.ts';

/** How far a training had come. */
export interface CheckpointPlace {
  /** Epochs finished, over all fits. */
  readonly epoch: number;
  /** Micro-batches finished of the next epoch. */
  readonly batch: number;
}

const namePattern = /^checkpoint-epoch-(\d+)(?:-batch-(\d+))?\.safetensors$/;

/** Unique within the run: a training that comes to the same place again replaces the file. */
export function checkpointName({ epoch, batch }: CheckpointPlace): string {
  return `checkpoint-epoch-${epoch}${batch > 0 ? `-batch-${batch}` : ''}.safetensors`;
}

/** The place that a name tells; null for other names. */
export function checkpointPlace(name: string): CheckpointPlace | null {
  const match = namePattern.exec(name);
  return match && { epoch: Number(match[1]), batch: Number(match[2] ?? 0) };
}

/** For people: `epoch 3, micro-batch 12`. */
export function describePlace({ epoch, batch }: CheckpointPlace): string {
  return batch > 0 ? `after micro-batch ${batch} of epoch ${epoch + 1}` : `after epoch ${epoch}`;
}

/** Newest first. */
export function byPlace(a: CheckpointPlace, b: CheckpointPlace): number {
  return b.epoch - a.epoch || b.batch - a.batch;
}

/**
 * The places that the policy does not keep.
 * @param epochs of the run so far: whose error rate is lowest is best, the lower validation loss of equals
 */
export function placesToDrop<P extends CheckpointPlace>(
  places: readonly P[],
  { keepLast, keepBest, keepEvery }: CheckpointPolicy,
  epochs: readonly Pick<EpochMetrics, 'index' | 'errorRate' | 'validLoss'>[],
): P[] {
  const last = [...places].sort(byPlace).slice(0, keepLast);
  const [best] = keepBest ? [...epochs].sort((a, b) => a.errorRate - b.errorRate || rank(a) - rank(b)) : [];
  return places.filter((place) => {
    const { epoch, batch } = place;
    const ofEpoch = batch === 0 && epoch > 0;
    const kept = ofEpoch && (epoch - 1 === best?.index || (keepEvery !== null && epoch % keepEvery === 0));
    return !kept && !last.includes(place);
  });
}

/** NaN is worse than any number. */
function rank({ validLoss }: Pick<EpochMetrics, 'validLoss'>): number {
  return Number.isNaN(validLoss) ? Number.POSITIVE_INFINITY : validLoss;
}

/**
 * Raised when trainers write checkpoints differently, or go on from them differently: those of earlier versions are of another
 * training then, and their runs start over after the upgrade.
 */
const checkpointFormat = 1;

/**
 * SHA-256 over everything that decides what a training computes: its config, but for what only says how it is run, and its images.
 * A checkpoint of another fingerprint is of another training.
 */
export function trainingFingerprint(
  config: TrainingConfig,
  images: readonly Pick<TrainerImage, 'imageId' | 'contentHash' | 'label' | 'split'>[],
): string {
  const { checkpoints: _, autoAccumulation: __, memoryBudget: ___, maxSeconds: ____, ...deciding } = config;
  const listed = images.map(({ imageId, contentHash, label, split }) => [split, imageId, contentHash, label]);
  const content = {
    format: checkpointFormat,
    config: deciding as JsonValue,
    images: listed.map((image) => image.join('\0')).sort(),
  };
  return createHash('sha256').update(canonicalJson(content)).digest('hex');
}

/** What a checkpoint says of itself in plain text. */
export interface CheckpointHeader {
  readonly fingerprint: string;
  /** The attempt that wrote it. */
  readonly attempt: number;
}

/** The header among the metadata of a file; null when it is no checkpoint. */
export function checkpointHeader(metadata: Readonly<Record<string, string>>): CheckpointHeader | null {
  const { fingerprint, attempt } = metadata;
  return fingerprint === undefined || !/^\d+$/.test(attempt ?? '') ? null : { fingerprint, attempt: Number(attempt) };
}
