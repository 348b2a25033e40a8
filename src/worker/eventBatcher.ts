import type { Written } from '../commands/attempt.ts';
import type { TrainerEvent } from '../domain/trainer.ts';
import { persist } from './persist.ts';

/** Milliseconds that events wait for others to be written with. */
const flushDelay = 100;
/** Events of one transaction. */
const batchSize = 500;
/** Events in memory above which `room` makes its callers wait. */
const limit = 2000;

export interface BatcherOptions {
  readonly write: (events: readonly TrainerEvent[]) => Promise<Written>;
  /** Called once: nothing of this attempt will be stored any more, for it is stale or the database stayed away. */
  readonly onLost: (error?: unknown) => void;
  readonly onWritten?: (events: readonly TrainerEvent[]) => void;
}

/** Collects a trainer's events and writes them a batch at a time, in order. */
export class EventBatcher {
  readonly #options: BatcherOptions;
  #pending: TrainerEvent[] = [];
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;
  #lost = false;
  readonly #waiting: (() => void)[] = [];

  constructor(options: BatcherOptions) {
    this.#options = options;
  }

  add(event: TrainerEvent): void {
    if (this.#lost) return;
    this.#pending.push(event);
    if (this.#pending.length >= batchSize) this.#start();
    else this.#timer ??= setTimeout(() => this.#start(), flushDelay);
  }

  /** Settles when there is room for more. Whoever produces faster than the database takes waits here. */
  async room(): Promise<void> {
    while (this.#pending.length >= limit) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Writes everything added so far; false when the attempt is lost. */
  async flush(): Promise<boolean> {
    while (!this.#lost && (this.#pending.length || this.#writing)) {
      this.#start();
      await this.#writing;
    }
    return !this.#lost;
  }

  #start(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
    });
  }

  async #write(): Promise<void> {
    while (this.#pending.length && !this.#lost) {
      const batch = this.#pending.splice(0, batchSize);
      for (const resolve of this.#waiting.splice(0)) resolve();
      try {
        if ((await persist(() => this.#options.write(batch))) === 'stale') this.#lose();
        else this.#options.onWritten?.(batch);
      } catch (error) {
        this.#lose(error);
      }
    }
  }

  #lose(error?: unknown): void {
    this.#lost = true;
    this.#pending = [];
    for (const resolve of this.#waiting.splice(0)) resolve();
    this.#options.onLost(error);
  }
}
