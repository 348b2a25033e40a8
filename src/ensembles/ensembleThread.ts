/** A thread that computes ensembles: one task after the other. */

import { parentPort } from 'node:worker_threads';
import { messageOf, UserInputError, type UserProblem } from '../errors.ts';
import { tasks } from './tasks.ts';

export interface ThreadRequest {
  readonly task: keyof typeof tasks;
  readonly args: readonly unknown[];
}

export type ThreadReply =
  | { readonly value: unknown }
  | { readonly refused: readonly UserProblem[] }
  | { readonly failed: string };

parentPort!.on('message', ({ task, args }: ThreadRequest) => parentPort!.postMessage(reply(task, args)));

function reply(task: ThreadRequest['task'], args: readonly unknown[]): ThreadReply {
  try {
    const work = tasks[task] as (...args: readonly unknown[]) => unknown;
    return { value: work(...args) };
  } catch (error) {
    if (error instanceof UserInputError) return { refused: error.problems };
    return { failed: error instanceof Error ? (error.stack ?? error.message) : messageOf(error) };
  }
}
