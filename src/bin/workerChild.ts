import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Config } from '../config.ts';
import type { Logger } from '../log.ts';

/** Milliseconds a worker gets to put its runs back before it is killed. */
const stopTimeout = 30_000;
const firstDelay = 1_000;
const longestDelay = 30_000;

/** The worker as a child process that is started again when it dies. */
export interface WorkerChild {
  /** Lets it stop claiming and wind down; resolves when it has ended. */
  stop(): Promise<void>;
}

/**
 * Starts src/bin/worker.ts on the given database. It runs in a process group of its own, so that Ctrl-C reaches it through `stop`
 * only, in order; when this process is killed it notices and stops by itself. One that cannot even be started, for want of memory or
 * processes, counts as one that has ended.
 * @param execPath the program that runs it
 */
export function startWorkerChild(
  config: Config,
  databaseUrl: string,
  log: Logger,
  execPath: string = process.execPath,
): WorkerChild {
  const file = fileURLToPath(new URL('worker.ts', import.meta.url));
  let stopping = false;
  let delay = firstDelay;
  let restart: NodeJS.Timeout | undefined;
  let child: ChildProcess | undefined;
  let ended: Promise<void>;

  const start = () =>
    fork(file, {
      execPath,
      execArgv: ['--import', import.meta.resolve('tsx')],
      detached: true,
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: {
        ...process.env,
        RUNGRAPH_HOME: config.home,
        DATABASE_URL: databaseUrl,
        RUNGRAPH_LOG: config.logLevel,
        HF_TOKEN: config.hub.token,
      },
    });

  function launch(): void {
    const started = Date.now();
    ended = new Promise((resolve) => {
      const end = (ending: object) => {
        resolve();
        if (stopping) return;
        if (Date.now() - started > longestDelay) delay = firstDelay;
        log.error({ ...ending, restartInMs: delay }, 'the worker ended and will be started again');
        restart = setTimeout(launch, delay);
        delay = Math.min(2 * delay, longestDelay);
      };
      child = undefined;
      try {
        child = start();
      } catch (error) {
        // So it is with ENOMEM; EAGAIN is told by an event.
        end({ err: error });
        return;
      }
      const { pid } = child;
      child.on('error', (error) => {
        // Without a process there is no exit.
        if (pid === undefined) end({ err: error });
        else log.error({ err: error }, 'the worker process');
      });
      child.once('exit', (status, signal) => end({ status, signal }));
    });
  }

  launch();
  return {
    async stop() {
      stopping = true;
      clearTimeout(restart);
      child?.kill('SIGTERM');
      const kill = setTimeout(() => child?.kill('SIGKILL'), stopTimeout);
      await ended;
      clearTimeout(kill);
    },
  };
}
