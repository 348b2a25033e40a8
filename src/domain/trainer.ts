/** What the worker tells a trainer child, and what the child tells back. Both travel over IPC with structured clone. */

import type { ArtifactKind } from './artifact.ts';
import type { Split } from './dataset.ts';
import type { AccumulationEquivalence } from './memoryProbe.ts';
import type { Precision } from './precision.ts';
import type { Predictions } from './predictions.ts';
import type { EpochMetrics, MemoryPoint, MetricPoint, RunFailure, RunProgress, SkippedImage } from './run.ts';
import type { TrainingConfig } from './trainingConfig.ts';

export interface TrainerImage {
  readonly imageId: string;
  /** Absolute path on the trainer's machine. */
  readonly path: string;
  /** SHA-256 of the file: the key of the item-transform cache. */
  readonly contentHash: string;
  readonly label: string | null;
  readonly split: Split;
}

export type EngineChoice = 'auto' | 'tensorflow' | 'onnxruntime';
export type DeviceChoice = 'auto' | 'cuda' | 'webgpu' | 'cpu';

/** Where a training that was interrupted goes on. */
export interface TrainerResume {
  /** The checkpoint; null: from the start. */
  readonly checkpoint: { readonly path: string } | null;
  /** Sets that are stored already; with nothing left to train they are not made again. */
  readonly predicted: readonly Pick<Predictions, 'split' | 'kind'>[];
}

/** What an attempt may use of its machine. */
export interface TrainerResources {
  readonly engine: EngineChoice;
  readonly device: DeviceChoice;
  /** Index of the device among its kind. */
  readonly deviceIndex: number;
  /** Threads of the compute engine. */
  readonly computeThreads: number;
  /** Image loader threads. */
  readonly loaderThreads: number;
  readonly cacheDirectory: string;
  readonly cacheLimitBytes: number;
  /** Empty folder of this attempt alone, for the files it leaves. Whoever started it takes them from there and removes it. */
  readonly outputDirectory: string;
}

/**
 * `train`: a whole run. `probe`: a few steps at one accumulation on the smallest class, to measure memory. `compare`: the gradient of
 * effectiveBatchSize images in one micro-batch and in `accumulation`.
 */
export type TrainerTask =
  | { readonly kind: 'train' }
  | { readonly kind: 'probe'; readonly steps: number }
  | { readonly kind: 'compare'; readonly accumulation: number };

export interface TrainerJob {
  readonly runId: string;
  readonly attempt: number;
  readonly task: TrainerTask;
  /** Complete: every default filled in, seed drawn. */
  readonly config: TrainingConfig;
  readonly images: readonly TrainerImage[];
  /** Ids of images that the run leaves out because they could not be read; null: nobody has looked. */
  readonly skipped: readonly string[] | null;
  /** File of the pretrained weights, which the worker has found or downloaded; null: random weights. */
  readonly weights: { readonly path: string } | null;
  /** null: nothing has been computed yet. */
  readonly resume: TrainerResume | null;
  readonly resources: TrainerResources;
}

/** What the attempt really runs on. */
export interface TrainerEnvironment {
  readonly engine: string;
  readonly device: string;
  readonly precision: Precision;
  /** Of libraries, and the number of threads: what the last bits of a result depend on besides. */
  readonly versions: Readonly<Record<string, string>>;
}

/** What an attempt has taken over. */
export interface ResumedFrom {
  /** Epochs finished, over all fits. */
  readonly epoch: number;
  /** Micro-batches trained over the whole run: the step of its metric points. */
  readonly step: number;
  /** The attempt that wrote the checkpoint. */
  readonly attempt: number;
  /** Whether nothing is left but to predict. */
  readonly trained: boolean;
}

/** A checkpoint in the output directory, whole and flushed. Everything told before it belongs to it. */
export interface TrainerCheckpoint {
  /** See `checkpointName`. */
  readonly name: string;
  readonly path: string;
}

/** A file in the output directory that is to be kept. */
export interface TrainerArtifact {
  readonly kind: ArtifactKind;
  /** Unique within the run. */
  readonly name: string;
  readonly path: string;
}

export type TrainerEvent =
  | {
      readonly kind: 'started';
      readonly environment: TrainerEnvironment;
      /** null: it begins from the start. */
      readonly resumedFrom: ResumedFrom | null;
    }
  /** Every image has been looked at; these cannot be read and are left out. */
  | { readonly kind: 'skipped'; readonly images: readonly SkippedImage[] }
  | { readonly kind: 'progress'; readonly progress: RunProgress }
  | { readonly kind: 'metrics'; readonly points: readonly MetricPoint[] }
  | { readonly kind: 'epoch'; readonly epoch: EpochMetrics }
  | { readonly kind: 'memory'; readonly point: MemoryPoint }
  | { readonly kind: 'log'; readonly line: string; readonly stream: 'stdout' | 'stderr' | 'trainer' }
  | { readonly kind: 'predictions'; readonly predictions: Predictions }
  | { readonly kind: 'artifact'; readonly artifact: TrainerArtifact }
  | {
      readonly kind: 'checkpoint';
      readonly checkpoint: TrainerCheckpoint;
      /** Where its bytes are among the blobs, once the worker has put them there. */
      readonly stored?: { readonly hash: string; readonly size: number };
    }
  | { readonly kind: 'probed'; readonly peakMemory: number; readonly imagesPerSecond: number }
  | { readonly kind: 'compared'; readonly equivalence: AccumulationEquivalence }
  | {
      readonly kind: 'finished';
      readonly imagesPerSecond: number;
      readonly peakMemory: number;
      readonly trainSeconds: number;
    }
  | { readonly kind: 'failed'; readonly failure: RunFailure };

/** How a trainer ends that has not crashed. */
export type TrainerReport = Extract<TrainerEvent, { kind: 'finished' | 'probed' | 'compared' | 'failed' }>;

/** Whether it is the last event of a trainer. */
export function isReport(event: TrainerEvent): event is TrainerReport {
  return (['finished', 'probed', 'compared', 'failed'] as TrainerEvent['kind'][]).includes(event.kind);
}

/**
 * Worker -> trainer. `written`: this many more events are stored; a trainer that is far ahead of its worker waits for it.
 * `taken`: the file of the last checkpoint has gone to the blobs, or nowhere; before that no further one is told of.
 * `drain`: write a checkpoint now and end without a report.
 */
export type TrainerCommand =
  | { readonly kind: 'job'; readonly job: TrainerJob }
  | { readonly kind: 'cancel' }
  | { readonly kind: 'drain' }
  | { readonly kind: 'taken' }
  | { readonly kind: 'written'; readonly events: number };

/** Events a trainer may be ahead of what is stored. */
export const trainerLead = 1000;
