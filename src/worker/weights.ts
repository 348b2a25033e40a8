/** Which file of pretrained weights a run starts from. */

import { stat } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AttemptOutcome } from '../commands/attempt.ts';
import type { RunFailure } from '../domain/run.ts';
import type { TrainerEvent, TrainerJob } from '../domain/trainer.ts';
import type { TrainingConfig } from '../domain/trainingConfig.ts';
import { messageOf } from '../errors.ts';

export interface WeightsOptions {
  /** Aborts a download. */
  readonly signal: AbortSignal;
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
    return { weights: { path: await locate(config, options) } };
  } catch (error) {
    if (options.signal.aborted) return { outcome: { status: 'CANCELED' } };
    if (!(error instanceof WeightsUnavailable)) throw error;
    return { outcome: { status: 'FAILED', failure: error.failure } };
  }
}

/** Ends a run as WEIGHTS_UNAVAILABLE. */
class WeightsUnavailable extends Error {
  override readonly name = 'WeightsUnavailable';
  readonly failure: RunFailure;

  constructor(message: string, retryable = false) {
    super(message);
    this.failure = { code: 'WEIGHTS_UNAVAILABLE', message: `${message}; ${advice}`, retryable };
  }
}

const advice =
  'set weightsUri to a file on the worker (safetensors or PyTorch) or to hf://owner/repository, or pretrained: false to start from random weights';

async function locate({ architecture, weightsUri }: TrainingConfig, _options: WeightsOptions): Promise<string> {
  if (weightsUri === null)
    throw new WeightsUnavailable(`no pretrained weights for ${architecture}: downloading is not supported`);
  return localFile(weightsUri.startsWith('file:') ? fromFileUrl(weightsUri) : path.resolve(weightsUri));
}

/** What a repository of the hub calls its weights, best first. */
const usualNames = ['model.safetensors', 'pytorch_model.bin'];

/** The file, or the weights of the usual name in the folder. */
async function localFile(file: string): Promise<string> {
  const found = await statIfThere(file);
  if (!found) throw new WeightsUnavailable(`the weights file ${file} does not exist on this worker`);
  if (!found.isDirectory()) return file;
  for (const name of usualNames) {
    const inside = path.join(file, name);
    if (await statIfThere(inside)) return inside;
  }
  throw new WeightsUnavailable(`the folder ${file} has neither ${usualNames.join(' nor ')}`);
}

async function statIfThere(file: string) {
  try {
    return await stat(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new WeightsUnavailable(`the weights file ${file} cannot be read: ${messageOf(error)}`);
  }
}

function fromFileUrl(uri: string): string {
  try {
    return fileURLToPath(uri);
  } catch (error) {
    throw new WeightsUnavailable(
      `weightsUri ${JSON.stringify(uri)} is no file: URL of this machine (${messageOf(error)})`,
    );
  }
}
