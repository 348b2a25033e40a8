/** `npm run bench [NAME …]`: the benches one after the other, each in a process of its own so that none warms the next. */

import { spawnSync } from 'node:child_process';
import { availableParallelism, cpus } from 'node:os';
import { fileURLToPath } from 'node:url';

const benches = [
  'trainingStep',
  'inference',
  'imagePipeline',
  'accumulationMemory',
  'ensembles',
  'checkpoints',
  'subscriptions',
  'dashboardQueries',
  'dashboard',
];
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !benches.includes(name));
if (unknown.length) {
  console.error(`No bench ${unknown.join(', ')}; there are ${benches.join(', ')}`);
  process.exit(1);
}

console.log(`${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} cores, Node ${process.version}\n`);
let failed = false;
for (const name of wanted.length ? wanted : benches) {
  console.log(`# ${name}`);
  const file = fileURLToPath(new URL(`${name}.ts`, import.meta.url));
  const { status } = spawnSync(process.execPath, ['--import', 'tsx', file], { stdio: 'inherit' });
  if (status !== 0) failed = true;
  console.log();
}
process.exit(failed ? 1 : 0);
