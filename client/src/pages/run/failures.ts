/** Why runs and attempts fail, in words for people. */

import type { RunFailureCode } from '../../generated/operations.ts';

export interface FailureWords {
  /** What happened, as a title. */
  readonly title: string;
  /** Why that is. */
  readonly meaning: string;
  /** What one can do, most promising first. */
  readonly remedies: readonly string[];
}

export const failureWords: Readonly<Record<RunFailureCode, FailureWords>> = {
  INVALID_INPUT: {
    title: 'The config does not fit the data',
    meaning:
      'The trainer looked at the images and found that it cannot train on them like this. It would meet the same end again.',
    remedies: ['Start again with changes: the message names what does not fit.'],
  },
  OUT_OF_MEMORY: {
    title: 'Memory ran out',
    meaning:
      'The trainer needed more memory than the machine, its worker or the run’s own budget allows, and was ended before it could take the machine along.',
    remedies: [
      'Start again with twice the accumulation: the same training in smaller micro-batches.',
      'Turn on autoAccumulation, which does that by itself.',
      'Measure first what fits with a memory probe; or take a smaller size or architecture.',
    ],
  },
  DIVERGED: {
    title: 'The training diverged',
    meaning:
      'The loss became infinite or not a number: weights grew faster than they learned. The charts show where it began.',
    remedies: [
      'Start again with a lower base learning rate: a third, then a tenth.',
      'With precision FP16, try BF16 or FP32: half precision overflows at 65504.',
    ],
  },
  TRAINER_CRASHED: {
    title: 'The trainer died',
    meaning:
      'The process that trains ended without saying why. The message has its exit status or signal and what it printed last.',
    remedies: [
      'Look at the end of the log.',
      'Retry: the next attempt goes on from the last checkpoint.',
      'Signal SIGKILL is often the machine’s own memory limit: raise the accumulation.',
    ],
  },
  LEASE_LOST: {
    title: 'The worker was lost',
    meaning:
      'The worker stopped answering, lost the database, or its machine was switched off. Nothing is wrong with the run.',
    remedies: ['Look at Machines whether a worker is online.', 'Retry: it goes on from the last checkpoint.'],
  },
  DATA_UNREADABLE: {
    title: 'An image could not be read',
    meaning: 'A file is gone, damaged, or not the file that was imported any more. The message names it.',
    remedies: [
      'Bring the file back, then retry.',
      'Start again with unreadableImages SKIP, which leaves such images out.',
      'Import the data set again, if its files were changed on purpose.',
    ],
  },
  WEIGHTS_UNAVAILABLE: {
    title: 'The pretrained weights are not to be had',
    meaning: 'They could not be found, downloaded or loaded. The message says from where and why.',
    remedies: [
      'Retry once the hub can be reached.',
      'Start again with a file on the worker’s machine: Weights, under Advanced.',
      'Start again with random weights: it learns more slowly, and less from few images.',
    ],
  },
  TIMEOUT: {
    title: 'The time was up',
    meaning: 'All attempts together took as long as maxSeconds allows.',
    remedies: [
      'Retry: time counts anew, and it goes on from the last checkpoint.',
      'Start again with a larger maxSeconds or fewer epochs.',
    ],
  },
  INTERNAL: {
    title: 'Something went wrong inside',
    meaning: 'Results could not be stored, or there is a bug. The server’s log says more.',
    remedies: ['Look whether the disk is full.', 'Retry: it goes on from the last checkpoint.'],
  },
};
