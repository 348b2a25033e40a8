import os from 'node:os';
import { expect, test } from 'vitest';
import { spawnTypeScript } from '../support/processes.ts';

/** Asks the process that it is loaded into to stop as soon as that listens. */
const stopAtOnce = `data:text/javascript,${encodeURIComponent(`
  process.on('newListener', (name) => {
    if (name === 'SIGTERM') setImmediate(() => process.kill(process.pid, name));
  });
`)}`;

test('predict that is stopped before it has begun says so, and asks no server', async () => {
  const env = { RUNGRAPH_HOME: '/nowhere', NODE_OPTIONS: `--import=${stopAtOnce}` };
  const args = ['predict', '--server', 'http://nobody.invalid', '--run', 'run_0', os.tmpdir()];
  expect(await spawnTypeScript('src/bin/cli.ts', args, env).finished).toEqual({
    status: 143,
    stdout: '',
    stderr: 'Stopped; no predictions were written\n',
  });
});
