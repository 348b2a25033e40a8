/** Computes ensembles in threads, so that a large one does not keep a server from answering. */

import { Worker } from 'node:worker_threads';
import { UserInputError } from '../errors.ts';
import type { ThreadReply, ThreadRequest } from './ensembleThread.ts';
import type { EnsembleTasks } from './tasks.ts';

export interface EnsembleThreads {
  /**
   * Runs a task of tasks.ts in a thread; tasks beyond the number of threads wait their turn. Matrices in shared memory are not copied.
   * @throws what the task throws: UserInputError as such; Error when its thread dies, or the threads are closed before it is done
   */
  run<Name extends keyof EnsembleTasks>(
    task: Name,
    ...args: Parameters<EnsembleTasks[Name]>
  ): Promise<ReturnType<EnsembleTasks[Name]>>;
  /** Ends the threads; tasks in hand and waiting fail. */
  close(): Promise<void>;
}

interface Job {
  readonly request: ThreadRequest;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

interface Thread {
  readonly worker: Worker;
  job: Job | undefined;
}

export interface EnsembleThreadOptions {
  /** Threads at most. */
  readonly most?: number;
  /** What a thread runs; tests put a script here. */
  readonly module?: URL;
}

/** Threads are started when they are needed. An idle one does not keep the process alive. */
export function createEnsembleThreads({
  most = 2,
  module = new URL('./ensembleThread.mjs', import.meta.url),
}: EnsembleThreadOptions = {}): EnsembleThreads {
  const threads = new Set<Thread>();
  const waiting: Job[] = [];
  let closed = false;

  const settle = (thread: Thread): Job | undefined => {
    const { job } = thread;
    thread.job = undefined;
    thread.worker.unref();
    return job;
  };

  const start = (): Thread => {
    // Without the parent's flags and loaders: the entry brings its own.
    const worker = new Worker(module, { execArgv: [] });
    const thread: Thread = { worker, job: undefined };
    threads.add(thread);
    worker.on('message', (reply: ThreadReply) => {
      const job = settle(thread);
      if ('value' in reply) job?.resolve(reply.value);
      else job?.reject('refused' in reply ? new UserInputError([...reply.refused]) : new Error(reply.failed));
      assign();
    });
    const lost = (error: Error) => {
      threads.delete(thread);
      settle(thread)?.reject(error);
      assign();
    };
    worker.on('error', lost);
    worker.on('exit', (code) => lost(new Error(`an ensemble thread ended with code ${code}`)));
    return thread;
  };

  const assign = () => {
    while (waiting.length) {
      const idle = [...threads].find((thread) => !thread.job) ?? (threads.size < most ? start() : undefined);
      if (!idle) return;
      idle.job = waiting.shift()!;
      idle.worker.ref();
      idle.worker.postMessage(idle.job.request);
    }
  };

  return {
    run: (task, ...args) =>
      new Promise((resolve, reject) => {
        if (closed) throw new Error('the ensemble threads are closed');
        waiting.push({ request: { task, args }, resolve: resolve as (value: unknown) => void, reject });
        assign();
      }),
    async close() {
      closed = true;
      for (const { reject } of waiting.splice(0)) reject(new Error('the ensemble threads are closed'));
      await Promise.all([...threads].map(({ worker }) => worker.terminate()));
    },
  };
}
