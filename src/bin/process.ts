/** What every program of this folder does around its own work: refusals as sentences, signals as a request to stop. */

import { StartupError } from '../errors.ts';

/** Runs a program to its end and exits with the status it returns; 1 after an error. Expected errors are printed without a stack. */
export async function runProgram(main: () => Promise<number>): Promise<void> {
  try {
    process.exit(await main());
  } catch (error) {
    process.stderr.write(`${describe(error)}\n`);
    process.exit(1);
  }
}

function describe(error: unknown): string {
  if (error instanceof StartupError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** How a process was asked to end. */
export interface StopRequest {
  /** Aborted by the first SIGINT, SIGTERM or SIGHUP, or by `request`. */
  readonly signal: AbortSignal;
  /** Settles with the exit status that fits: 0 after `request`, 128 + the signal's number otherwise. */
  readonly requested: Promise<number>;
  request(): void;
}

const signalNumbers = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

/** Listens for signals. The second one ends the process at once. */
export function awaitStop(): StopRequest {
  const controller = new AbortController();
  let settle: (status: number) => void;
  const requested = new Promise<number>((resolve) => {
    settle = resolve;
  });
  for (const [name, number] of Object.entries(signalNumbers)) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(128 + number);
      settle(128 + number);
      controller.abort();
    });
  }
  return {
    signal: controller.signal,
    requested,
    request: () => {
      settle(0);
      controller.abort();
    },
  };
}
