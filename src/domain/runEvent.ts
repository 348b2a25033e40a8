/** The events of a run as they are stored and replayed: one row each, numbered without gaps per run. */

import type { Split } from './dataset.ts';
import type { PredictionKind } from './predictions.ts';
import type { EpochMetrics, MemoryPoint, MetricPoint, RunFailure, RunProgress, RunStatus } from './run.ts';

export type RunEventPayload =
  | {
      readonly kind: 'STATUS';
      readonly status: RunStatus;
      readonly attempt: number;
      readonly failure: RunFailure | null;
      /** ISO 8601; with QUEUED after a failed attempt only. */
      readonly nextAttemptAt?: string;
    }
  | { readonly kind: 'PROGRESS'; readonly progress: RunProgress }
  | { readonly kind: 'EPOCH'; readonly epoch: EpochMetrics }
  | { readonly kind: 'METRICS'; readonly points: readonly MetricPoint[] }
  | { readonly kind: 'MEMORY'; readonly point: MemoryPoint }
  | {
      readonly kind: 'LOG';
      readonly line: string;
      readonly stream: string;
      /** Number of the line in the run's log; events of earlier versions have none. */
      readonly logSeq?: number;
    }
  | {
      readonly kind: 'PREDICTIONS';
      readonly predictionSetId: string;
      readonly split: Split;
      readonly predictionKind: PredictionKind;
    }
  /** Stands for every event up to its own number: they were removed by age. */
  | { readonly kind: 'PRUNED' };

export type RunEventKind = RunEventPayload['kind'];

export interface RunEvent {
  readonly runId: string;
  /** 1, 2, 3 … within the run. */
  readonly seq: number;
  readonly at: Date;
  readonly payload: RunEventPayload;
}
