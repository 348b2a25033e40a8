import { spawnSync } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';

const script = fileURLToPath(new URL('../../scripts/audit.mjs', import.meta.url));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'rungraph-audit-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** The script with an npm that reports this. */
async function audit(report: object): Promise<readonly [number | null, string]> {
  const npm = path.join(folder, 'npm');
  await writeFile(npm, `#!/bin/sh\ncat <<'END'\n${JSON.stringify(report)}\nEND\n`);
  await chmod(npm, 0o755);
  const env = { PATH: `${folder}:${process.env.PATH}` };
  const { status, stdout } = spawnSync(process.execPath, [script], { env, encoding: 'utf8' });
  return [status, stdout];
}

test('npm run audit fails on a vulnerability that docs/security.md does not explain', async () => {
  const found = {
    ...{ name: 'leaky', severity: 'high', title: 'Tells everything' },
    url: 'https://github.com/advisories/GHSA-dddd-eeee-ffff',
  };
  const [status, output] = await audit({ vulnerabilities: { leaky: { via: [found] }, above: { via: ['leaky'] } } });
  expect(status).toBe(1);
  expect(output).toContain('GHSA-dddd-eeee-ffff is not explained: leaky, high, Tells everything\n');
});

test('it is content with none', async () => {
  expect(await audit({ vulnerabilities: {} })).toEqual([0, 'Nothing that is not explained\n']);
});

test('it says so when the registry does not answer', async () => {
  const [status, output] = await audit({ message: '405 Method Not Allowed' });
  expect([status, output]).toEqual([2, expect.stringContaining('405 Method Not Allowed')]);
});
