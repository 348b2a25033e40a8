/** What a run is and which states it may pass through. */

export const runStatuses = ['QUEUED', 'RUNNING', 'CANCELING', 'SUCCEEDED', 'FAILED', 'CANCELED'] as const;
export type RunStatus = (typeof runStatuses)[number];

export type RunKind = 'TRAINED' | 'EXTERNAL' | 'MEMORY_PROBE';

/**
 * The one table of allowed moves. RUNNING -> QUEUED gives an attempt up for the next one: it failed in a way that another may not,
 * or its worker stopped. FAILED and CANCELED runs become QUEUED again when somebody asks for it (retryRun), and by nothing else.
 */
const moves: Readonly<Record<RunStatus, readonly RunStatus[]>> = {
  QUEUED: ['RUNNING', 'CANCELED', 'FAILED'],
  RUNNING: ['SUCCEEDED', 'FAILED', 'CANCELING', 'QUEUED'],
  CANCELING: ['CANCELED', 'SUCCEEDED', 'FAILED'],
  SUCCEEDED: [],
  FAILED: ['QUEUED'],
  CANCELED: ['QUEUED'],
};

/** Statuses from which `to` may be reached: the `where status in (…)` of every status write. */
export function statusesBefore(to: RunStatus): RunStatus[] {
  return runStatuses.filter((from) => moves[from].includes(to));
}

/** Whether a run has ended: it stays as it is, unless somebody asks for it to be tried again. */
export function isTerminal(status: RunStatus): boolean {
  return status === 'SUCCEEDED' || status === 'FAILED' || status === 'CANCELED';
}

export type RunFailureCode =
  | 'INVALID_INPUT'
  | 'OUT_OF_MEMORY'
  | 'DIVERGED'
  | 'TRAINER_CRASHED'
  | 'LEASE_LOST'
  | 'DATA_UNREADABLE'
  | 'WEIGHTS_UNAVAILABLE'
  | 'TIMEOUT'
  | 'INTERNAL';

/** An image of the data set that a run leaves out because its file could not be read. */
export interface SkippedImage {
  readonly imageId: string;
  readonly path: string;
  readonly reason: string;
}

export interface RunFailure {
  readonly code: RunFailureCode;
  readonly message: string;
  /** Whether the same run may succeed on another attempt. */
  readonly retryable: boolean;
}

export type RunPhase = 'PREPARING' | 'FROZEN' | 'UNFROZEN' | 'VALIDATING' | 'PREDICTING' | 'PROBING';

/** Pretrained weights on their way from the hub to the worker's machine. */
export interface WeightsFetch {
  /** What was asked for, e.g. `hf://timm/convnext_atto.d2_in1k`. */
  readonly source: string;
  /** Bytes that are there. */
  readonly received: number;
  /** Bytes of the whole file; null: the hub has not told yet. */
  readonly size: number | null;
}

/** Where an attempt stands. Epochs and batches count from 0 = none done. */
export interface RunProgress {
  readonly phase: RunPhase;
  /** Epochs finished, over both phases of a fine-tune; targets finished while PROBING. */
  readonly epoch: number;
  readonly epochs: number;
  /** Micro-batches finished in this epoch (or images predicted, in batches, while PREDICTING; trials while PROBING; megabytes of weights downloaded while PREPARING). */
  readonly batch: number;
  readonly batches: number;
  readonly imagesPerSecond: number | null;
  readonly etaSeconds: number | null;
  /** What is fetched while PREPARING; else left out. */
  readonly weights?: WeightsFetch;
}

/** One finished epoch. Losses may be NaN or infinite; rates are in [0, 1]; memory in bytes. */
export interface EpochMetrics {
  readonly index: number;
  readonly phase: RunPhase;
  readonly trainLoss: number;
  readonly validLoss: number;
  readonly errorRate: number;
  readonly accuracy: number;
  readonly seconds: number;
  /** Learning rate per parameter group (body, head) at the epoch's last step. */
  readonly learningRates: readonly number[];
  readonly momentum: number;
  readonly imagesPerSecond: number;
  readonly peakMemory: number;
}

/** Memory of the trainer process over one window of steps, in bytes. */
export interface MemoryPoint {
  readonly step: number;
  /** Resident (CPU) or device (GPU) memory now. */
  readonly used: number;
  /** High-water mark of the window. */
  readonly peak: number;
  readonly deviceUsed: number | null;
  readonly deviceTotal: number | null;
}

/** One value of one named series. `step` counts micro-batches over the whole run. */
export interface MetricPoint {
  readonly name: string;
  readonly step: number;
  readonly value: number;
}
