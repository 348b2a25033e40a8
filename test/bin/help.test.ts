import { existsSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, test } from 'vitest';
import { spawnTypeScript } from '../support/processes.ts';

const home = path.join(os.tmpdir(), `rungraph-help-${process.pid}`);
const rungraph = (...args: string[]) => spawnTypeScript('src/bin/cli.ts', args, { RUNGRAPH_HOME: home }).finished;

describe.concurrent('rungraph', () => {
  test.for([
    ['backup', 'Usage: rungraph backup FILE\n\nWrites the database at one moment'],
    ['restore', 'Usage: rungraph restore FILE\n\nFills an empty home or database'],
    ['start', 'Usage: rungraph start\n\nServes the dashboard'],
    ['migrate', 'Usage: rungraph migrate\n\nBrings the database up to date'],
    ['gc', 'Usage: rungraph gc\n\nDoes at once what a server does every hour'],
  ] as const)('%s --help says what it does, and does nothing', async ([command, text], { expect }) => {
    const { status, stdout, stderr } = await rungraph(command, '--help');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout.startsWith(text)).toBe(true);
    expect(existsSync(home)).toBe(false);
  });

  test.for([
    [['backup'], /^Usage: rungraph backup FILE\n/],
    [['restore', 'a', 'b'], /^Usage: rungraph restore FILE\n/],
    [['start', 'now'], /^start: Unexpected argument 'now'.*\n\nUsage: rungraph start\n/],
    [['migrate', '--to', '3'], /^migrate: Unknown option '--to'/],
    [['gc', 'now'], /^gc: Unexpected argument 'now'/],
    [['backup', '--all', 'a'], /^backup: Unknown option '--all'.*\n\nUsage: rungraph backup FILE\n/],
  ] as const)('%j is refused with the usage', async ([args, message], { expect }) => {
    const { status, stderr } = await rungraph(...args);
    expect(status).toBe(1);
    expect(stderr).toMatch(message);
    expect(existsSync(home)).toBe(false);
  });
});
