/** `npm run demo`: the main job from images to submission, done by a GraphQL client against a server of its own. */

import { existsSync } from 'node:fs';
import path from 'node:path';
import { type Config, readConfig } from '../../config.ts';
import { drawLeafDataset } from '../../datasets/leaves.ts';
import { createLogger } from '../../log.ts';
import { startInstallation } from '../installation.ts';
import { awaitStop } from '../process.ts';
import { createGraphqlClient, type GraphqlClient } from './client.ts';
import { type DemoOptions, demoUsage, parseDemoOptions } from './options.ts';
import * as stages from './stages.ts';
import { type DemoResult, reserveSummary, writeSummary } from './summary.ts';
import { ensembleTable, leaderboardTable, probeTable } from './tables.ts';
import { formatPercent, formatSeconds, formatSize } from './text.ts';

const leafSeed = 7;

/** Runs the demo with command line `args`; returns the exit status. */
export async function demo(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  const options = parseDemoOptions(args);
  if (!options) {
    process.stdout.write(demoUsage);
    return 0;
  }
  // Log lines would tear the bars apart: only what is worth a warning, unless asked for more.
  const config = readConfig({ RUNGRAPH_LOG: 'warn', ...env });
  if (options.json !== undefined) await reserveSummary(options.json);
  const stop = awaitStop();
  const watch = createStopwatch();

  say('Starting the database, the server and a worker …');
  const installation = await watch.time('start', () =>
    startInstallation(config, createLogger('server', config.logLevel), { worker: true }),
  );
  const client = createGraphqlClient(installation.url, stop.signal);
  try {
    say(`Server: ${installation.url}   GraphiQL: ${installation.url}/graphiql\n`);
    const result = await runStages(client, options, config, watch, stop.signal);
    if (options.json !== undefined) await writeSummary(options.json, result);
    if (options.exit) return 0;
    say('The server stays up. Ctrl-C stops it.');
    await stop.requested;
    return 0;
  } catch (error) {
    // Whatever was interrupted fails in its own way; the reason is the signal.
    if (stop.signal.aborted) return await stop.requested;
    throw error;
  } finally {
    if (stop.signal.aborted) say('\nStopping …');
    await client.close();
    await installation.stop();
  }
}

async function runStages(
  client: GraphqlClient,
  options: DemoOptions,
  config: Config,
  watch: Stopwatch,
  signal: AbortSignal,
): Promise<DemoResult> {
  const { preset } = options;
  const folder = options.data ?? (await watch.time('draw', () => drawLeaves(config.home)));
  const name = options.data === undefined ? 'leaves' : path.basename(folder);

  say(`1. importDataset ${folder}`);
  const dataset = await watch.time('import', () => stages.importImages(client, name, folder, signal));
  const labels = dataset.labelCounts.map(({ label, count }) => `${label} ${count}`).join(', ');
  say(`   ${dataset.trainCount} training images (${labels}), ${dataset.testCount} to predict`);
  for (const line of stages.problemLines(dataset)) say(` ${line}`);

  const experiment = await stages.createExperiment(client, `${name} ${preset.name}`, dataset.id);
  say(`2. createExperiment "${experiment.name}"`);

  const { architecture, size, effectiveBatchSize, budgetMebibytes } = preset.probe;
  say(
    `3. probeMemory ${architecture} ${formatSize(size)}, ${effectiveBatchSize} images a step, budget ${budgetMebibytes} MiB`,
  );
  const probe = await watch.time('probe', () => stages.probeMemory(client, experiment.id, preset));
  for (const target of probe.targets) {
    say(probeTable(target));
    say(
      target.recommendation === null
        ? '   no accumulation stays below the budget'
        : `   accumulation ${target.recommendation} stays below the budget`,
    );
  }

  const count = preset.architectures.length * preset.preprocessings.length;
  say(
    `4. startSweep: ${preset.architectures.length} architectures x ${preset.preprocessings.length} preprocessings = ${count} runs`,
  );
  const runs = await watch.time('train', () => stages.trainSweep(client, experiment.id, preset, process.stdout));

  say('5. createEnsemble: every succeeded run, "arch like vit*" with weight 2');
  const ensemble = await watch.time('ensemble', () => stages.combineRuns(client, experiment.id));

  say('6. createSubmission');
  const file = path.join(config.home, 'submissions', `${experiment.name.replaceAll(/[^\w.-]+/g, '-')}.csv`);
  const submission = await watch.time('submit', () => stages.submit(client, ensemble.id, file));

  const leaderboard = await watch.time('leaderboard', () => stages.readLeaderboard(client, experiment.id));
  say(`\nLeaderboard of "${experiment.name}"`);
  say(leaderboardTable(leaderboard.entries, leaderboard.metric));
  say(`\nEnsemble "${ensemble.name}"`);
  say(ensembleTable(ensemble));
  const { score } = ensemble.result;
  if (score) say(`Error of the ensemble on the ${score.rowCount} validation images: ${formatPercent(score.errorRate)}`);
  say(`\nSubmission  ${submission.path} (${submission.rowCount} rows)`);
  say(`Server      ${client.url}`);
  say(`Time        ${formatSeconds(watch.total())}\n`);
  return { url: client.url, preset: preset.name, dataset, probe, runs, ensemble, submission, seconds: watch.seconds() };
}

/** The folder of drawn leaf images, drawn on first use: it appears whole or not at all. */
async function drawLeaves(home: string): Promise<string> {
  const folder = path.join(home, 'leaves');
  if (!existsSync(folder)) await drawLeafDataset(folder, { seed: leafSeed });
  return folder;
}

interface Stopwatch {
  /** Runs a stage and notes how long it took. */
  time<T>(stage: string, work: () => Promise<T>): Promise<T>;
  /** By stage, and the total so far. */
  seconds(): Record<string, number>;
  total(): number;
}

function createStopwatch(): Stopwatch {
  const began = performance.now();
  const noted: Record<string, number> = {};
  const since = (start: number) => Math.round(performance.now() - start) / 1000;
  return {
    async time(stage, work) {
      const start = performance.now();
      const value = await work();
      noted[stage] = since(start);
      return value;
    },
    seconds: () => ({ ...noted, total: since(began) }),
    total: () => since(began),
  };
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
