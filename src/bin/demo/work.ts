/** The demo's stages in order, told as they go. */

import { existsSync } from 'node:fs';
import path from 'node:path';
import { drawLeafDataset } from '../../datasets/leaves.ts';
import type { GraphqlClient } from './client.ts';
import { importImages, openExperiment, problemLines, readWorkers } from './dataStages.ts';
import { deviceReport } from './devices.ts';
import type { Preset } from './presets.ts';
import { combineRuns, probeMemory, readLeaderboard, submit, trainSweeps } from './stages.ts';
import type { Stopwatch } from './stopwatch.ts';
import type { DemoResult } from './summary.ts';
import { ensembleTable, leaderboardTable, probeTable } from './tables.ts';
import { describeProbe, describeSweep, formatPercent, formatSeconds, recommendationLines } from './text.ts';
import type { Run } from './trainingOperations.ts';

const leafSeed = 7;

export interface WorkOptions {
  /** Folder of images; undefined: draw leaves. */
  readonly data: string | undefined;
  readonly home: string;
  readonly watch: Stopwatch;
  readonly signal: AbortSignal;
}

/** Works through the preset. Throws at the first stage that fails. */
export async function work(
  client: GraphqlClient,
  preset: Preset,
  { data, home, watch, signal }: WorkOptions,
): Promise<DemoResult> {
  const folder = data ?? (await watch.time('draw', () => drawLeaves(home)));
  const name = data === undefined ? 'leaves' : path.basename(folder);

  say(`1. importDataset ${folder}`);
  const { dataset, importedAt } = await watch.time('import', () => importImages(client, name, folder, preset, signal));
  if (importedAt !== null) {
    const day = importedAt.slice(0, 10);
    say(`   imported before, on ${day}; if images came or went since, take another RUNGRAPH_HOME`);
  }
  const labels = dataset.labelCounts.map(({ label, count }) => `${label} ${count}`).join(', ');
  say(`   ${dataset.trainCount} training images (${labels}), ${dataset.testCount} to predict`);
  for (const line of problemLines(dataset)) say(` ${line}`);

  const experiment = await openExperiment(client, `${name} ${preset.name}`, dataset.id, preset);
  say(`2. createExperiment "${experiment.name}"`);

  const probes = [];
  for (const plan of preset.probes) {
    say(`3. probeMemory ${describeProbe(plan)}`);
    const probe = await watch.time('probe', () => probeMemory(client, experiment.id, plan, preset));
    say(probeTable(probe.targets));
    for (const line of recommendationLines(probe.targets)) say(`   ${line}`);
    probes.push(probe);
  }

  for (const plan of preset.sweeps) say(`4. startSweep: ${describeSweep(plan)}`);
  const runs = await watch.time('train', () => train(client, experiment.id, preset, signal));

  say('5. createEnsemble: every succeeded run, "arch like vit*" with weight 2');
  const ensemble = await watch.time('ensemble', () => combineRuns(client, experiment.id, runs, preset));

  say('6. createSubmission');
  const file = path.join(home, 'submissions', `${experiment.name.replaceAll(/[^\w.-]+/g, '-')}.csv`);
  const submission = await watch.time('submit', () => submit(client, ensemble.id, file, preset));

  const leaderboard = await watch.time('leaderboard', () => readLeaderboard(client, experiment.id));
  say(`\nLeaderboard of "${experiment.name}" by ${leaderboard.metric}`);
  say(leaderboardTable(leaderboard.entries, leaderboard.metric));
  say(`\nEnsemble "${ensemble.name}"`);
  say(ensembleTable(ensemble));
  const { score } = ensemble.result;
  if (score) say(`Error of the ensemble on the ${score.rowCount} validation images: ${formatPercent(score.errorRate)}`);
  say(`\nSubmission  ${submission.path} (${submission.rowCount} rows)`);
  say(`Server      ${client.url}`);
  say(`Time        ${formatSeconds(watch.total())}\n`);
  return {
    url: client.url,
    preset: preset.name,
    dataset,
    probes,
    runs,
    ensemble,
    submission,
    seconds: watch.seconds(),
  };
}

/** The sweeps; for presets with several networks to compare, with what the devices held while each was trained. */
async function train(
  client: GraphqlClient,
  experimentId: string,
  preset: Preset,
  signal: AbortSignal,
): Promise<readonly Run[]> {
  const reports: string[] = [];
  const runs = await trainSweeps(client, experimentId, preset, {
    output: process.stdout,
    onQueued: (queued) => {
      const there = queued.filter(({ status }) => status === 'SUCCEEDED');
      const all = there.length === queued.length;
      if (there.length) say(`   trained before: ${all ? 'all of them' : there.map((run) => run.name).join(', ')}`);
    },
    onArchitecture: async () => {
      reports.push(...deviceReport(await readWorkers(client, signal)));
    },
  });
  if (preset.sweeps.length > 1 && reports.length) {
    say('   workers: what the devices held while each architecture was trained');
    for (const line of reports) say(`     ${line}`);
  }
  return runs;
}

/** The folder of drawn leaf images, drawn on first use: it appears whole or not at all. */
async function drawLeaves(home: string): Promise<string> {
  const folder = path.join(home, 'leaves');
  if (!existsSync(folder)) await drawLeafDataset(folder, { seed: leafSeed });
  return folder;
}

export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
