import { rm } from 'node:fs/promises';
import { expect, onTestFinished, test } from 'vitest';
import { startWorkerChild } from '../../src/bin/workerChild.ts';
import { createLogger } from '../../src/log.ts';
import { workerConfig } from '../support/worker.ts';

test.each([
  ['told by an event, as EAGAIN is', 'ENOENT', '/nowhere/node'],
  ['thrown, as ENOMEM is', 'ENOTDIR', '/dev/null/node'],
])('a worker that cannot be started is tried again until it is stopped: %s', async (_, code, execPath) => {
  const config = workerConfig();
  onTestFinished(() => rm(config.home, { recursive: true }));
  const logged: object[] = [];
  const log = createLogger('server', 'info', { write: (line: string) => logged.push(JSON.parse(line)) });
  const worker = startWorkerChild(config, 'postgres://nowhere', log, execPath);
  await expect.poll(() => logged).toHaveLength(2);
  expect(logged).toMatchObject([
    { restartInMs: 1000, err: { code } },
    { restartInMs: 2000, err: { code } },
  ]);
  await worker.stop();
  expect(logged).toHaveLength(2);
});
