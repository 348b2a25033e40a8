/**
 * `npm run fuzz -- [--minutes N] [--seed N] [--from STEP --steps N] [--lanes N]`: random and mutated operations, requests and
 * WebSocket frames against a server of its own over an embedded database of its own. Exit status 1 when anything was found.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { startEmbeddedPostgres } from '../src/db/embeddedPostgres.ts';
import { migrate } from '../src/db/migrate.ts';
import { campaign, healthProblem, readAll } from '../test/fuzz/campaign.ts';
import { fillDatabase, startFuzzedServer } from '../test/fuzz/target.ts';

const number = (text: string | undefined, otherwise: number) => (text === undefined ? otherwise : Number(text));
const option = { type: 'string' } as const;
const { values } = parseArgs({
  options: { minutes: option, seed: option, from: option, steps: option, lanes: option },
});
const seed = number(values.seed, Date.now() % 2 ** 31);
const from = number(values.from, 0);
const steps = number(values.steps, Infinity);
const until = Date.now() + number(values.minutes, 15) * 60_000;
const mebibytes = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MiB`;

const home = await mkdtemp(path.join(os.tmpdir(), 'rungraph-fuzz-'));
const postgres = await startEmbeddedPostgres(path.join(home, 'database'));
let found = 1;
try {
  await migrate(postgres.url);
  const ids = await fillDatabase(postgres.url);
  const server = await startFuzzedServer(postgres.url, path.join(home, 'server'));
  console.log(`seed ${seed}, from step ${from}, server of ${mebibytes(server.residentMemory())}`);
  const goOn = (step: number) => step < from + steps && Date.now() < until;
  const report = await campaign(server, { ...{ seed, ids, from, goOn }, lanes: number(values.lanes, 4) });
  const after = server.ended() === null ? ((await healthProblem(server)) ?? (await readAll(server))) : null;
  for (const { step, problem, sent } of report.findings) console.log(`\nstep ${step}: ${problem}\nsent: ${sent}`);
  if (after !== null) console.log(`\nafterwards: ${after}`);
  const answers = [...report.answers].sort(([a], [b]) => a.localeCompare(b));
  console.log(`\n${report.steps} steps: ${answers.map(([kind, count]) => `${kind} ${count}`).join(', ')}`);
  console.log(`memory of the server: ${report.memory.map(mebibytes).join(', ')}`);
  console.log(`${report.findings.length + (after === null ? 0 : 1)} findings`);
  found = report.findings.length + (after === null ? 0 : 1);
  if (server.ended() === null) await server.stop();
} finally {
  await postgres.stop();
  await rm(home, { recursive: true, force: true });
}
process.exit(found ? 1 : 0);
