import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Config, readConfig } from '../../src/config.ts';
import { createListener, type Listener } from '../../src/db/listener.ts';
import { type RunningWorker, startWorker } from '../../src/worker/worker.ts';
import { silent, type TestContext } from './commandContext.ts';

export const scriptedTrainer = fileURLToPath(new URL('./scriptedTrainer.ts', import.meta.url));

/** The configuration of a worker on the CPU with a home of its own, which the caller removes. It asks no hub but one given in `env`. */
export function workerConfig(env: Readonly<Record<string, string>> = {}): Config {
  const home = mkdtempSync(path.join(os.tmpdir(), 'rungraph-worker-'));
  return readConfig({
    RUNGRAPH_HOME: home,
    DEVICE: 'cpu',
    HF_HOME: path.join(home, 'hf'),
    HF_HUB_OFFLINE: '1',
    ...env,
  });
}

export interface TestWorker extends RunningWorker {
  readonly listener: Listener;
  readonly home: string;
}

/** A worker in this process; its trainers are real processes that play a script, or `trainerModule`. */
export async function testWorker(
  ctx: TestContext,
  trainerModule: string = scriptedTrainer,
  env: Readonly<Record<string, string>> = {},
): Promise<TestWorker> {
  const listener = createListener(ctx.url);
  const config = workerConfig(env);
  const worker = await startWorker({ config, ctx, listener, log: silent, trainerModule });
  return {
    ...{ id: worker.id, metrics: worker.metrics, outdated: worker.outdated },
    listener,
    home: config.home,
    stop: async () => {
      await worker.stop();
      await listener.close();
      await rm(config.home, { recursive: true });
    },
  };
}
