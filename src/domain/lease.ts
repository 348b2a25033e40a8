/**
 * How long whoever computes an attempt may go on without word from those who decide about it. Trainers end when their worker falls
 * silent, workers end their trainers when the database does, and who takes over waits until both must have happened.
 */

/** Milliseconds. */
export const lease = {
  /** Between two pulses of a worker to its trainer. */
  pulse: 1_000,
  /** Without a pulse, after which a trainer ends itself: its worker is stopped, or hangs. */
  silence: 5_000,
  /** Since the database last confirmed an attempt, after which its worker ends the trainer. */
  unconfirmed: 12_000,
  /** Since then, after which nobody can be computing the attempt any more. */
  over: 18_000,
} as const;

/** File descriptor of a trainer on which the pulses of its worker come. It is closed when the worker dies. */
export const pulseDescriptor = 4;
