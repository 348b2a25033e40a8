/** What the reporter of an attempt takes over from the one before. Milliseconds, bytes. */
export interface ReporterState {
  /** Epochs finished. */
  readonly epoch: number;
  /** Micro-batches trained. */
  readonly step: number;
  /** Of this epoch: since its start, and training. */
  readonly epochElapsed: number;
  readonly epochTraining: number;
  /** Of the run: since its start, to the end of its last epoch, and training. */
  readonly elapsed: number;
  readonly finishedTrainingAfter: number;
  readonly training: number;
  readonly peak: number;
  readonly epochPeak: number;
}

/** Of a run's first attempt. */
export const nothingYet: ReporterState = {
  ...{ epoch: 0, step: 0, epochElapsed: 0, epochTraining: 0, elapsed: 0, finishedTrainingAfter: 0, training: 0 },
  ...{ peak: 0, epochPeak: 0 },
};
