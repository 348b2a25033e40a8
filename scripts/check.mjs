/**
 * Everything that can be checked without running the application. One line per step with its time; the output of a failed step
 * below its line. All steps run; the exit status is 1 if any failed.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { printGraphqlSchema } from './generate.mjs';
import { outdatedParts } from './generated.mjs';
import { prisma } from './prisma/prisma.mjs';
import { withTemporaryDatabase } from './prisma/temporary-database.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Name -> runs the step; resolves with null when all is well, else with what is wrong. Slow ones first. */
const steps = {
  'types (tsc)': () => run('typescript/bin/tsc', ['--noEmit', '--project', '.']),
  'types of the dashboard (tsc)': () => run('typescript/bin/tsc', ['--noEmit', '--project', 'client']),
  'types of its tests (tsc)': () => run('typescript/bin/tsc', ['--noEmit', '--project', 'test/client']),
  'typed rules (eslint)': () => run('eslint/bin/eslint.js', ['--max-warnings=0', '.']),
  'format and rules (biome)': () =>
    run('@biomejs/biome/bin/biome', ['ci', '--colors=off', '--diagnostic-level=warn', '--error-on-warnings', '.']),
  'import rules (dependency-cruiser)': () =>
    run('dependency-cruiser/bin/dependency-cruise.mjs', ['--config', '.dependency-cruiser.mjs', 'src', 'client/src']),
  'unused code (knip)': () => run('knip/bin/knip.js', []),
  'migrations = prisma/schema.prisma': checkMigrations,
  'generated code is up to date': checkGenerated,
  'schema.graphql is up to date': checkSchema,
};

async function run(script, args) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [path.join('node_modules', script), ...args], {
      cwd: root,
      env: { ...process.env, NO_COLOR: '1' },
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => {
        output += text;
      });
    child.on('close', (status) => resolve(status === 0 ? null : output || `exit status ${status}`));
  });
}

/** Replays the migrations into an empty database and compares the result with the schema. */
async function checkMigrations() {
  const comparison = ['--from-migrations', 'prisma/migrations', '--to-schema', 'prisma/schema.prisma', '--exit-code'];
  const { status, stdout, stderr } = await withTemporaryDatabase((url) =>
    prisma(['migrate', 'diff', ...comparison], url),
  );
  if (status === 0) return null;
  return status === 2
    ? `${stdout}\nprisma/schema.prisma has changes that no migration makes: npm run migration -- NAME`
    : stdout + stderr;
}

async function checkGenerated() {
  const outdated = outdatedParts(root);
  return outdated.length ? `out of date: ${outdated.join(', ')}; run: npm run generate` : null;
}

async function checkSchema() {
  const printed = readFileSync(path.join(root, 'schema.graphql'), 'utf8');
  return printed === printGraphqlSchema() ? null : 'schema.graphql differs from src/graphql; run: npm run generate';
}

const waiting = Object.entries(steps);
let failed = 0;

async function work() {
  for (let next = waiting.shift(); next; next = waiting.shift()) {
    const [name, check] = next;
    const started = performance.now();
    const problem = await check().catch((error) => error.stack);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    if (problem !== null) failed++;
    console.log(`${problem === null ? 'ok    ' : 'FAILED'}  ${seconds.padStart(5)} s  ${name}`);
    if (problem !== null) console.log(problem.replace(/^/gm, '        ').trimEnd());
  }
}

await Promise.all(Array.from({ length: Math.min(3, os.availableParallelism()) }, work));
if (failed) console.log(`${failed} of ${Object.keys(steps).length} checks failed`);
process.exit(failed ? 1 : 0);
