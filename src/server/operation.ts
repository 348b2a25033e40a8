/** Operations over sockets give back what they hold exactly when they have ended, however that happens. */

import type { ExecutionArgs, ExecutionResult } from 'graphql';

export interface OperationArgs extends ExecutionArgs {
  /** Once the operation has ended; more often does no harm. */
  readonly release: () => void;
}

type Result = ExecutionResult | AsyncIterableIterator<ExecutionResult>;

/** Runs an operation; `release` is called when it has answered, or when the stream that it gave has ended. */
export async function endingWith<T extends Result>(release: () => void, run: () => Promise<T>): Promise<Result> {
  try {
    const result = await run();
    if (isStream(result)) return releasing(result, release);
    release();
    return result;
  } catch (error) {
    release();
    throw error;
  }
}

function isStream(result: Result): result is AsyncIterableIterator<ExecutionResult> {
  return Symbol.asyncIterator in result;
}

function releasing<T>(source: AsyncIterableIterator<T>, release: () => void): AsyncIterableIterator<T> {
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    next: async () => {
      try {
        const step = await source.next();
        if (step.done) release();
        return step;
      } catch (error) {
        release();
        throw error;
      }
    },
    return: async () => {
      release();
      return (await source.return?.()) ?? { done: true, value: undefined };
    },
  };
}
