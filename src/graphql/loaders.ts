/** One round of queries per level of a request instead of one per object. Fresh for every request and every subscription event. */

import DataLoader from 'dataloader';
import { missing, refuse } from '../errors.ts';
import { findArtifacts, getArtifacts } from '../store/artifact.ts';
import { findAttempts } from '../store/attempt.ts';
import { getDatasets } from '../store/dataset.ts';
import { countExperiments, countImages, countProblems } from '../store/datasetCounts.ts';
import { findDeviceSamples } from '../store/deviceSample.ts';
import { findEnsembleMembers, findEnsembleScores, getEnsembles } from '../store/ensemble.ts';
import { findEpochs } from '../store/epoch.ts';
import { countRuns, type Experiment, findBestRuns, getExperiments } from '../store/experiment.ts';
import { bestHistories, countRunsByStatus } from '../store/experimentFigures.ts';
import { experimentBytes } from '../store/experimentStorage.ts';
import { findSummaries } from '../store/metric.ts';
import { getPredictionSets, predictionSetsOfRuns } from '../store/prediction.ts';
import { getProbes, probesOfRuns } from '../store/probe.ts';
import type { Queryable } from '../store/queryable.ts';
import { getRuns } from '../store/run.ts';
import { getSubmissions, submissionsOfEnsembles, submissionsOfRuns } from '../store/submission.ts';
import { countSweepRuns, getSweeps } from '../store/sweep.ts';
import { getWorkers } from '../store/worker.ts';

export type Loaders = ReturnType<typeof createLoaders>;

export function createLoaders(db: Queryable) {
  return {
    artifact: mapLoader((ids) => getArtifacts(db, ids)),
    artifactsOfRun: listLoader((ids) => findArtifacts(db, ids), 'runId'),
    attemptsOfRun: listLoader((ids) => findAttempts(db, ids), 'runId'),
    bestHistoryOfExperiment: listLoader((ids) => bestHistories(db, ids), 'experimentId'),
    bestRunIdOfExperiment: mapLoader((ids) => findBestRuns(db, ids)),
    bytesOfExperiment: mapLoader((ids) => experimentBytes(db, ids)),
    dataset: mapLoader((ids) => getDatasets(db, ids)),
    ensemble: mapLoader((ids) => getEnsembles(db, ids)),
    epochsOfRun: listLoader((ids) => findEpochs(db, ids), 'runId'),
    experimentCountOfDataset: mapLoader((ids) => countExperiments(db, ids)),
    experiment: mapLoader((ids) => getExperiments(db, ids)),
    imageCounts: mapLoader((ids) => countImages(db, ids)),
    membersOfEnsemble: listLoader((ids) => findEnsembleMembers(db, ids), 'ensembleId'),
    /** One loader per choice of names; undefined: all. */
    metricsOfRun: memoized((names?: readonly string[]) => listLoader((ids) => findSummaries(db, ids, names), 'runId')),
    predictionSet: mapLoader((ids) => getPredictionSets(db, ids)),
    predictionSetsOfRun: mapLoader((ids) => predictionSetsOfRuns(db, ids)),
    probe: mapLoader((ids) => getProbes(db, ids)),
    probeOfRun: mapLoader((ids) => probesOfRuns(db, ids)),
    problemCountsOfDataset: listLoader((ids) => countProblems(db, ids), 'datasetId'),
    run: mapLoader((ids) => getRuns(db, ids)),
    runCountOfExperiment: mapLoader((ids) => countRuns(db, ids)),
    runCountsOfExperiment: listLoader((ids) => countRunsByStatus(db, ids), 'experimentId'),
    runCountsOfSweep: listLoader((ids) => countSweepRuns(db, ids), 'sweepId'),
    /** One loader per number of points. */
    samplesOfWorker: memoized((points: number) => listLoader((ids) => findDeviceSamples(db, ids, points), 'workerId')),
    scoresOfEnsemble: listLoader((ids) => findEnsembleScores(db, ids), 'ensembleId'),
    submission: mapLoader((ids) => getSubmissions(db, ids)),
    submissionsOfEnsemble: mapLoader((ids) => submissionsOfEnsembles(db, ids)),
    submissionsOfRun: mapLoader((ids) => submissionsOfRuns(db, ids)),
    sweep: mapLoader((ids) => getSweeps(db, ids)),
    worker: mapLoader((ids) => getWorkers(db, ids)),
  };
}

/** The same loader for equal arguments. */
function memoized<A extends readonly unknown[], T>(make: (...args: A) => T): (...args: A) => T {
  const made = new Map<string, T>();
  return (...args) => {
    const key = JSON.stringify(args);
    const known = made.get(key) ?? make(...args);
    made.set(key, known);
    return known;
  };
}

type Fetch<T> = (ids: readonly string[]) => Promise<T>;

/** For functions that answer with a map; an id that is missing from it loads null. */
function mapLoader<T>(fetch: Fetch<ReadonlyMap<string, T>>): DataLoader<string, T | null> {
  return new DataLoader(async (ids) => {
    const found = await fetch(ids);
    return ids.map((id) => found.get(id) ?? null);
  });
}

/** For functions that answer with the rows of all ids together, in order; `key` names the id in a row. */
function listLoader<Key extends string, T extends { readonly [K in Key]: string }>(
  fetch: Fetch<readonly T[]>,
  key: Key,
): DataLoader<string, readonly T[]> {
  return new DataLoader(async (ids) => {
    const lists = new Map<string, T[]>(ids.map((id) => [id, []]));
    for (const row of await fetch(ids)) lists.get(row[key])?.push(row);
    return ids.map((id) => lists.get(id) ?? []);
  });
}

/** Loads what a foreign key promises to be there. */
export async function loadExisting<T>(loader: DataLoader<string, T | null>, id: string): Promise<T> {
  const row = await loader.load(id);
  if (row === null) throw new Error(`${id} is gone`);
  return row;
}

/**
 * Loads what a write with an idempotency key has made, now or earlier.
 * @throws UserInputError CONFLICT when that was deleted since
 */
export async function loadCreated<T>(loader: DataLoader<string, T | null>, id: string): Promise<T> {
  const row = await loader.load(id);
  if (row !== null) return row;
  throw refuse('CONFLICT', `the first try with this key made ${id}, which was deleted since; take a fresh key`, [
    'idempotencyKey',
  ]);
}

/** @throws UserInputError NOT_FOUND on `experimentId` */
export async function requireExperiment(loaders: Loaders, experimentId: string): Promise<Experiment> {
  const experiment = await loaders.experiment.load(experimentId);
  if (experiment) return experiment;
  throw refuse('NOT_FOUND', missing('experiment', experimentId), ['experimentId']);
}
