/** Whether a config can train on a data set: the rules that need to know the images. */

import { type LabelCount, unusableReason } from '../domain/dataset.ts';
import { batchProblem, type TrainingConfig, validCount } from '../domain/trainingConfig.ts';
import { missing, refuse, type UserProblem } from '../errors.ts';
import { findDataset } from '../store/dataset.ts';
import { countImages } from '../store/datasetCounts.ts';
import { findExperiment } from '../store/experiment.ts';
import type { Queryable } from '../store/queryable.ts';

export interface TrainingData {
  readonly datasetId: string;
  /** Training images per label, largest first. */
  readonly labelCounts: readonly LabelCount[];
}

/** What an experiment trains on. Refuses an experiment that does not exist or has no data set that is READY. */
export async function loadTrainingData(db: Queryable, experimentId: string): Promise<TrainingData> {
  const path = ['experimentId'];
  const experiment = await findExperiment(db, { id: experimentId });
  if (!experiment) throw refuse('NOT_FOUND', missing('experiment', experimentId), path);
  const { name, datasetId } = experiment;
  const dataset = datasetId === null ? null : await findDataset(db, { id: datasetId });
  if (!dataset) throw refuse('CONFLICT', `experiment "${name}" has no data set to train on`, path);
  if (dataset.status !== 'READY') {
    const state = unusableReason(dataset) ?? 'is still being imported; try again when its status is READY';
    throw refuse('UNAVAILABLE', `data set "${dataset.name}" of experiment "${name}" ${state}`, path);
  }
  const counts = await countImages(db, [dataset.id]);
  return { datasetId: dataset.id, labelCounts: counts.get(dataset.id)?.labelCounts ?? [] };
}

/** A list of a hundred thousand wrong labels is told by its first ones. */
const mostLabelProblems = 10;

/** Why a config cannot train on the data, every reason at once; paths start with `at`, the path of the config. */
export function dataProblems(config: TrainingConfig, data: TrainingData, at: readonly string[]): UserProblem[] {
  const problems: UserProblem[] = [];
  const report = (path: readonly string[], message: string) =>
    problems.push({ code: 'INVALID', message, path: [...at, ...path] });

  const counts = new Map(data.labelCounts.map(({ label, count }) => [label, count]));
  const labels = config.labels ?? [...counts.keys()];
  for (const [i, label] of labels.entries()) {
    if (problems.length === mostLabelProblems) break;
    if (!counts.has(label)) {
      report(['labels', String(i)], `the data set has no label ${quote(label)}; it has ${list([...counts.keys()])}`);
    } else if (labels.indexOf(label) < i) {
      report(['labels', String(i)], `${quote(label)} is named twice`);
    }
  }
  if (problems.length) return problems;

  if (labels.length < 2) report(['labels'], `at least two labels are needed to tell apart, got ${list(labels)}`);
  const lonely = labels.filter((label) => counts.get(label)! < 2);
  if (lonely.length) {
    report(
      ['labels'],
      `${list(lonely)} ${lonely.length === 1 ? 'has' : 'have'} one training image only; at least two are needed, one to train on and one to validate with: add images or leave the label out of "labels"`,
    );
  }
  const images = labels.reduce((sum, label) => sum + counts.get(label)!, 0);
  const valid = validCount(images, config.validFraction);
  if (valid < 1) {
    report(['validFraction'], `${config.validFraction} of ${images} images leaves none to validate with; raise it`);
  } else {
    const problem = batchProblem(images - valid, config);
    if (problem) report(['effectiveBatchSize'], problem);
  }
  return problems;
}

function quote(label: string): string {
  return JSON.stringify(label);
}

/** At most ten names, so that a message stays readable. */
function list(labels: readonly string[]): string {
  const shown = labels.slice(0, 10).map(quote).join(', ');
  return labels.length > 10 ? `${shown} and ${labels.length - 10} more` : shown || 'none';
}
