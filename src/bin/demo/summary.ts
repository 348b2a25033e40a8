import { open, writeFile } from 'node:fs/promises';
import { messageOf, StartupError } from '../../errors.ts';
import type { Dataset, Ensemble, Submission } from './operations.ts';
import type { MemoryProbe, MetricValue, Run } from './trainingOperations.ts';

/** Everything the stages found. */
export interface DemoResult {
  readonly url: string;
  readonly preset: string;
  readonly dataset: Dataset;
  /** In the preset's order. */
  readonly probes: readonly MemoryProbe[];
  readonly runs: readonly Run[];
  readonly ensemble: Ensemble;
  readonly submission: Submission & { readonly path: string };
  /** By stage, in order. */
  readonly seconds: Readonly<Record<string, number>>;
}

/** The value of `--json FILE`. Metrics are of a run's last epoch, whose weights made its predictions; bytes, images per second. */
export function summarize({ url, preset, dataset, probes, runs, ensemble, submission, seconds }: DemoResult) {
  return {
    server: url,
    preset,
    dataset: {
      id: dataset.id,
      name: dataset.name,
      trainCount: dataset.trainCount,
      testCount: dataset.testCount,
      labelCounts: dataset.labelCounts,
    },
    probes: probes.map(({ budget, targets }) => ({
      budgetBytes: budget,
      targets: targets.map(({ architecture, size, recommendation, trials }) => ({
        ...{ architecture, size, recommendation },
        trials: trials.map((t) => ({
          accumulation: t.accumulation,
          microBatchSize: t.microBatchSize,
          peakMemoryBytes: t.peakMemory,
          outcome: t.outcome,
        })),
      })),
    })),
    runs: runs.map((run) => {
      const last = run.epochs.at(-1);
      const { size, itemTransform, accumulation, effectiveBatchSize } = run.config;
      return {
        id: run.id,
        name: run.name,
        status: run.status,
        architecture: run.architecture,
        size,
        itemTransform,
        accumulation,
        microBatchSize: effectiveBatchSize / accumulation,
        epochs: run.epochs.length,
        errorRate: last?.errorRate ?? null,
        validLoss: last ? numberOf(last.validLoss) : null,
        peakMemoryBytes: run.peakMemory,
        imagesPerSecond: run.imagesPerSecond,
      };
    }),
    ensemble: {
      id: ensemble.id,
      members: ensemble.members.map(({ run, weight, share }) => ({
        runId: run.id,
        name: run.name,
        architecture: run.architecture,
        weight,
        share,
      })),
      weights: ensemble.members.map((member) => member.weight),
      errorRate: ensemble.result.score?.errorRate ?? null,
    },
    submission: { id: submission.id, path: submission.path, rows: submission.rowCount },
    seconds,
  };
}

/** Creates the file, empty when it was not there: better to hear that it cannot be before hours of training than after. */
export async function reserveSummary(file: string): Promise<void> {
  await named(file, async () => (await open(file, 'a')).close());
}

export async function writeSummary(file: string, result: DemoResult): Promise<void> {
  await named(file, () => writeFile(file, `${JSON.stringify(summarize(result), null, 2)}\n`));
}

async function named(file: string, write: () => Promise<void>): Promise<void> {
  try {
    await write();
  } catch (error) {
    throw new StartupError(`--json: ${file} cannot be written: ${messageOf(error)}`);
  }
}

/** JSON has no NaN: it is written as the schema's name for it. */
function numberOf({ value, nonFinite }: MetricValue): number | string | null {
  return value ?? nonFinite;
}
