import { spawn } from 'node:child_process';
import { appendFile, chmod, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

/** A repository in miniature whose npm and generator only note that they were called, slowly enough to be raced. */
let root: string;

const lock = (packages: object) => JSON.stringify({ lockfileVersion: 3, packages });
const root0 = { '': { name: 'rungraph' } };
const wanted = {
  'node_modules/pg': { version: '8.0.0', integrity: 'sha512-a' },
  'node_modules/only-mac': { version: '1.0.0', optional: true, os: ['not-this-system'], cpu: [process.arch] },
};

const fakeNpm = `#!/bin/sh
echo "npm $*" >> calls
sleep 0.3
mkdir -p node_modules
[ ! -f offline ] && cp wanted.json node_modules/.package-lock.json
`;

const fakeGenerator = `
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { fingerprint, noteGenerated } from './generated.mjs';
for (const name of process.argv.slice(2)) {
  appendFileSync('calls', 'generate ' + name + '\\n');
  const output = {
    prisma: 'src/generated/prisma/client.ts',
    types: 'src/generated/graphql.ts',
    operations: 'client/src/generated/operations.ts',
    dashboard: 'client/dist/index.html',
  }[name];
  mkdirSync(output.slice(0, output.lastIndexOf('/')), { recursive: true });
  writeFileSync(output, '');
  noteGenerated('.', name, fingerprint('.', name));
}
`;

beforeEach(async () => {
  root = await mkdtemp(path.join(os.tmpdir(), 'rungraph-bootstrap-'));
  for (const folder of ['scripts', 'bin', 'prisma', 'src/graphql', 'client/public', 'client/src'])
    await mkdir(path.join(root, folder), { recursive: true });
  for (const script of ['bootstrap', 'installed', 'generated'])
    await copyFile(`scripts/${script}.mjs`, path.join(root, 'scripts', `${script}.mjs`));
  await put('scripts/generate.mjs', fakeGenerator);
  await put('bin/npm', fakeNpm);
  await chmod(path.join(root, 'bin/npm'), 0o755);
  await put('package-lock.json', lock({ ...root0, ...wanted }));
  await put('wanted.json', lock({ 'node_modules/pg': wanted['node_modules/pg'] }));
  for (const input of [
    'prisma/schema.prisma',
    'prisma.config.ts',
    'codegen.config.mjs',
    'src/graphql/run.graphql',
    'client/index.html',
    'client/login.html',
    'client/vite.config.ts',
    'client/tsconfig.json',
    'client/public/icon.svg',
    'client/src/Page.graphql',
    'client/src/Page.tsx',
    'calls',
  ])
    await put(input, '');
});
afterEach(() => rm(root, { recursive: true }));

const put = (file: string, text: string) => writeFile(path.join(root, file), text);

function bootstrap(): Promise<{ status: number | null; stderr: string }> {
  const child = spawn(process.execPath, ['scripts/bootstrap.mjs'], {
    cwd: root,
    env: { PATH: `${path.join(root, 'bin')}:${process.env.PATH}` },
  });
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  return new Promise((resolve) => child.on('close', (status) => resolve({ status, stderr })));
}

/** What was called since the last look. */
async function calls(): Promise<string[]> {
  const text = await readFile(path.join(root, 'calls'), 'utf8');
  await put('calls', '');
  return text.split('\n').filter(Boolean);
}

const generated = ['generate prisma', 'generate types', 'generate operations', 'generate dashboard'];
const everything = ['npm ci --loglevel=error', ...generated];

test('a fresh clone is installed and generated, and a second time nothing happens', async () => {
  const first = await bootstrap();
  expect(first.status).toBe(0);
  expect(first.stderr).toMatch(/^Installing packages \(nothing is installed\)/);
  expect(await calls()).toEqual(everything);
  expect(await bootstrap()).toEqual({ status: 0, stderr: '' });
  expect(await calls()).toEqual([]);
});

test('several at once install once', async () => {
  const all = await Promise.all([bootstrap(), bootstrap(), bootstrap()]);
  expect(all.map(({ status }) => status)).toEqual([0, 0, 0]);
  expect(await calls()).toEqual(everything);
});

test.each([
  [
    'another version',
    { ...wanted, 'node_modules/pg': { version: '9.0.0', integrity: 'sha512-b' } },
    /pg is 8\.0\.0, not 9\.0\.0/,
  ],
  ['a new package', { ...wanted, 'node_modules/ws': { version: '1.0.0' } }, /ws is missing/],
  ['a package gone', { 'node_modules/only-mac': wanted['node_modules/only-mac'] }, /pg is installed but not wanted/],
  [
    'an optional package for this platform',
    {
      ...wanted,
      'node_modules/here': { version: '1.0.0', optional: true, os: [process.platform], cpu: [process.arch] },
    },
    /here is missing/,
  ],
])('%s in the lock file is noticed', async (_, packages, reason) => {
  await bootstrap();
  await calls();
  await put('package-lock.json', lock({ ...root0, ...packages }));
  expect((await bootstrap()).stderr).toMatch(reason);
  expect(await calls()).toContain('npm ci --loglevel=error');
});

test('only what changed is generated anew', async () => {
  await bootstrap();
  await calls();
  await appendFile(path.join(root, 'src/graphql/run.graphql'), 'type Run { id: ID! }');
  await bootstrap();
  expect(await calls()).toEqual(['generate types', 'generate operations', 'generate dashboard']);
  await put('client/src/Page.graphql', 'query Page { server { version } }');
  await bootstrap();
  expect(await calls()).toEqual(['generate operations', 'generate dashboard']);
  await put('client/src/Page.tsx', 'export const Page = null;');
  await bootstrap();
  expect(await calls()).toEqual(['generate dashboard']);
  await put('prisma/schema.prisma', 'model Run { id String @id }');
  await bootstrap();
  expect(await calls()).toEqual(['generate prisma']);
  await rm(path.join(root, 'src/generated'), { recursive: true });
  await bootstrap();
  expect(await calls()).toEqual(generated);
});

test('a failed installation is an error, and the next try installs', async () => {
  await put('offline', '');
  const { status, stderr } = await bootstrap();
  expect(status).toBe(1);
  expect(stderr).toMatch(/npm ci failed.*npm registry/);
  await rm(path.join(root, 'offline'));
  expect((await bootstrap()).status).toBe(0);
});
