/**
 * Runs before every npm script that needs the project: installs the packages when node_modules is not what package-lock.json
 * says, and generates the Prisma client, the GraphQL types and the dashboard when their sources changed. Says what it does on stderr. Does
 * nothing, quickly, when nothing changed; several at once take turns. Has no dependencies.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, openSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { outdatedParts } from './generated.mjs';
import { installationDifference } from './installed.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

requireNode();
if (installationDifference(root) || outdatedParts(root).length) {
  const unlock = await lock();
  try {
    install();
    generate();
  } finally {
    unlock();
  }
}

function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if ((major === 20 && minor >= 19) || (major === 22 && minor >= 12)) return;
  fail(`Rungraph needs Node 20 (20.19 or newer) or Node 22 (22.12 or newer); this is ${process.version}.`);
}

function install() {
  const difference = installationDifference(root);
  if (!difference) return;
  const started = Date.now();
  say(`Installing packages (${difference}); about half a minute …`);
  // The npm that runs us, or the one on the PATH.
  const npm = process.env.npm_execpath;
  const [command, args] = npm?.endsWith('.js') ? [process.execPath, [npm]] : ['npm', []];
  const { status, error } = spawnSync(command, [...args, 'ci', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0)
    fail(`npm ci failed${error ? `: ${error.message}` : ''}. It needs the npm registry; then run this again.`);
  say(`Installed in ${seconds(started)}.`);
}

function generate() {
  const names = outdatedParts(root);
  if (!names.length) return;
  const started = Date.now();
  say('Generating the Prisma client, the GraphQL types and the dashboard …');
  const { status } = spawnSync(process.execPath, ['scripts/generate.mjs', ...names], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) fail('Generating failed, see above.');
  say(`Generated in ${seconds(started)}.`);
}

/** Waits until no other bootstrap of this folder works. The lock lies outside of what `npm ci` removes. */
async function lock() {
  const id = createHash('sha256').update(root).digest('hex').slice(0, 16);
  const file = path.join(os.tmpdir(), `rungraph-bootstrap-${os.userInfo().uid}-${id}`);
  for (let told = false; ; ) {
    try {
      const handle = openSync(file, 'wx');
      writeSync(handle, String(process.pid));
      closeSync(handle);
      let held = true;
      const release = () => {
        if (held) rmSync(file, { force: true });
        held = false;
      };
      process.on('exit', release);
      return release;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    if (isAbandoned(file)) rmSync(file, { force: true });
    else {
      if (!told) say('Waiting for another bootstrap of this folder …');
      told = true;
      await sleep(200);
    }
  }
}

/** Whether the process that made the lock is gone; one that has not written its id yet gets some seconds. */
function isAbandoned(file) {
  try {
    const pid = Number(readFileSync(file, 'utf8'));
    if (!pid) return Date.now() - statSync(file).mtimeMs > 5_000;
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return error.code === 'ESRCH';
  }
}

function seconds(since) {
  return `${((Date.now() - since) / 1000).toFixed(1)} s`;
}

function say(line) {
  process.stderr.write(`${line}\n`);
}

function fail(line) {
  say(line);
  process.exit(1);
}
