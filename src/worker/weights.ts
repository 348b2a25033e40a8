/** Which file of pretrained weights a run starts from: found on this machine, or fetched from the hub. */

import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { AttemptOutcome } from '../commands/attempt.ts';
import { findArchitecture, timmName } from '../domain/architecture.ts';
import { formatHubReference, type HubReference } from '../domain/hubReference.ts';
import type { RunFailure, RunProgress, WeightsFetch } from '../domain/run.ts';
import type { TrainerEvent, TrainerJob } from '../domain/trainer.ts';
import type { TrainingConfig } from '../domain/trainingConfig.ts';
import { parseWeightsUri, showUri } from '../domain/weightsUri.ts';
import { messageOf } from '../errors.ts';
import { type FilePolicy, OutsideRootsError, realpathWithin } from '../files/roots.ts';
import { HubError } from '../hub/errors.ts';
import { type Hub, weightsFileNames } from '../hub/hub.ts';

export interface WeightsOptions {
  /** Where a run may name weights by path. */
  readonly files: Pick<FilePolicy, 'weightsRoots'>;
  readonly hub: Pick<Hub, 'fetch'>;
  /** Aborts a download. */
  readonly signal: AbortSignal;
  /** Tells the run's subscribers how a download goes. */
  readonly tell: (event: TrainerEvent) => void;
}

/** The weights, or how the attempt ends because they cannot be had. */
export type WeightsOutcome =
  | { readonly weights: TrainerJob['weights']; readonly outcome?: undefined }
  | { readonly outcome: AttemptOutcome };

/** Finds the file that the config starts from. */
export async function provideWeights(config: TrainingConfig, options: WeightsOptions): Promise<WeightsOutcome> {
  if (!config.pretrained) return { weights: null };
  try {
    const source = await sourceOf(config, options.files);
    const file =
      typeof source === 'string' ? await localFile(source, options.files) : await fromHub(source, config, options);
    return { weights: { path: file } };
  } catch (error) {
    if (options.signal.aborted) return { outcome: { status: 'CANCELED' } };
    if (!(error instanceof HubError) && !(error instanceof WeightsNotFound)) throw error;
    const retryable = error instanceof HubError && error.retryable;
    return { outcome: { status: 'FAILED', failure: unavailable(error.message, retryable) } };
  }
}

function unavailable(reason: string, retryable: boolean): RunFailure {
  const message = `${reason}; set weightsUri to a file on the worker or to hf://owner/repository, or pretrained: false to start from random weights`;
  return { code: 'WEIGHTS_UNAVAILABLE', message, retryable };
}

class WeightsNotFound extends Error {
  override readonly name = 'WeightsNotFound';
}

/** A path on this machine, or what to fetch. */
async function sourceOf(
  { architecture, weightsUri: uri }: TrainingConfig,
  files: WeightsOptions['files'],
): Promise<string | HubReference> {
  if (uri === null) return pretrainedReference(architecture);
  const { source, problem } = parseWeightsUri(uri);
  const given = `weightsUri ${showUri(uri)}`;
  if (!source) throw new WeightsNotFound(`${given} ${problem}`);
  if (source.kind === 'hub') return source.reference;
  const local = path.resolve(source.path);
  if (source.kind === 'path') return local;
  // Where it may not be looked there is no such path.
  const found = await within(files, local).catch(() => undefined);
  if (!found || !(await statIfThere(found))) return source.reference;
  throw new WeightsNotFound(`${given} may mean ${local} or a repository of the hub: write ./${uri} or hf://${uri}`);
}

/** timm's weights of an architecture: the repository `timm/convnext_tiny.fb_in22k`. */
export function pretrainedReference(name: string): HubReference {
  const architecture = findArchitecture(name);
  if (!architecture) throw new Error(`there is no architecture ${name}`);
  return { repository: `timm/${timmName(architecture)}.${architecture.pretrainedTag}`, revision: 'main', file: null };
}

/** The file, or the weights in the folder. */
async function localFile(named: string, files: WeightsOptions['files']): Promise<string> {
  const file = await within(files, named);
  const found = await statIfThere(file);
  if (!found) throw new WeightsNotFound(`${file} does not exist on the worker`);
  if (found.isFile()) return file;
  // Of a pipe or a device there may be no end, or no beginning.
  if (!found.isDirectory()) throw new WeightsNotFound(`${file} is neither a file nor a folder`);
  for (const name of weightsFileNames) {
    const inside = path.join(file, name);
    if (await statIfThere(inside)) return within(files, inside);
  }
  throw new WeightsNotFound(`the folder ${file} has neither ${weightsFileNames.join(' nor ')}`);
}

/** The path itself where runs may name any; else its real path, which must be one that they may. */
async function within({ weightsRoots }: WeightsOptions['files'], file: string): Promise<string> {
  if (weightsRoots === null) return file;
  try {
    return await realpathWithin(weightsRoots, file, 'RUNGRAPH_WEIGHTS_ROOTS');
  } catch (error) {
    if (error instanceof OutsideRootsError) throw new WeightsNotFound(error.message);
    return file; // what cannot be found is told of by who looks for it
  }
}

async function statIfThere(file: string) {
  try {
    return await stat(file);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw new WeightsNotFound(`${file} cannot be read: ${messageOf(error)}`);
  }
}

/** Milliseconds between two events of a download. */
const progressInterval = 500;

/** Fetches it, and tells from the first question to the last byte that this is what the run waits for. */
async function fromHub(reference: HubReference, config: TrainingConfig, { hub, signal, tell }: WeightsOptions) {
  const source = formatHubReference(reference);
  let toldAt = Number.NEGATIVE_INFINITY;
  tell({ kind: 'progress', progress: preparing(config, { source, received: 0, size: null }) });
  const file = await hub.fetch(reference, {
    signal,
    note: (line) => tell({ kind: 'log', stream: 'trainer', line }),
    onProgress: (received, size) => {
      if (received < size && Date.now() - toldAt < progressInterval) return;
      toldAt = Date.now();
      tell({ kind: 'progress', progress: preparing(config, { source, received, size }) });
    },
  });
  tell({ kind: 'progress', progress: preparing(config) });
  return file;
}

/** What an attempt does before its first batch; batches are the megabytes of what it fetches. */
function preparing({ schedule, epochs, freezeEpochs }: TrainingConfig, weights?: WeightsFetch): RunProgress {
  const megabytes = (bytes: number) => Math.ceil(bytes / 1e6);
  return {
    phase: 'PREPARING',
    epoch: 0,
    epochs: epochs + (schedule === 'FINE_TUNE' ? freezeEpochs : 0),
    batch: megabytes(weights?.received ?? 0),
    batches: megabytes(weights?.size ?? 0),
    imagesPerSecond: null,
    etaSeconds: null,
    ...(weights && { weights }),
  };
}
