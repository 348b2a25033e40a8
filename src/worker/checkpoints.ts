/** Checkpoints of an attempt: from the trainer's folder to the blobs, and from the blobs to the next trainer. */

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { openSafetensors } from '../blobs/safetensors.ts';
import { type Checkpoint, findCheckpoints, removeCheckpoint } from '../commands/checkpoints.ts';
import type { CommandContext } from '../commands/context.ts';
import { quotaProblem } from '../commands/quota.ts';
import { checkpointHeader, describePlace, trainingFingerprint } from '../domain/checkpoint.ts';
import type { TrainerEvent, TrainerImage, TrainerResume } from '../domain/trainer.ts';
import type { TrainingConfig } from '../domain/trainingConfig.ts';
import { messageOf, refuse } from '../errors.ts';
import type { AttemptToken } from '../store/attempt.ts';
import { predictionSetsOfRuns } from '../store/prediction.ts';
import { persist } from './persist.ts';
import { reasonOf } from './reason.ts';

export class CheckpointKeeper {
  readonly #ctx: CommandContext;
  readonly #runId: string;
  readonly #add: (event: TrainerEvent) => void;
  #last: Promise<void> = Promise.resolve();

  /** @param add stores an event after all those that were added before */
  constructor(ctx: CommandContext, runId: string, add: (event: TrainerEvent) => void) {
    this.#ctx = ctx;
    this.#runId = runId;
    this.#add = add;
  }

  /**
   * Moves the file that a trainer has told of among the blobs, and adds the event again with where it is. By then everything told before
   * has been added. What cannot be stored is a line in the log. `onTaken`: the file is gone from its folder.
   */
  take(event: Extract<TrainerEvent, { kind: 'checkpoint' }>, onTaken: () => void): void {
    this.#last = this.#last.then(async () => {
      const { name, path: file } = event.checkpoint;
      try {
        const { size } = await stat(file);
        const problem = await persist(() => quotaProblem(this.#ctx.db.prisma, this.#runId, size));
        if (problem) throw refuse('QUOTA_EXCEEDED', problem);
        this.#add({ ...event, stored: await this.#ctx.blobs.adopt(file) });
      } catch (error) {
        this.#add(logLine(`the checkpoint ${name} could not be stored: ${reasonOf(error)}`));
        await rm(file, { force: true }).catch(() => {});
      }
      onTaken();
    });
  }

  /** Settles when every checkpoint taken has been added. */
  settled(): Promise<void> {
    return this.#last;
  }
}

/**
 * What an attempt goes on from: the newest checkpoint that is whole and of this training, else the one before, else nothing. The run's log
 * tells which, and why others are not used; those are removed, unless they only cannot be reached from this machine.
 */
export async function findResume(
  ctx: CommandContext,
  token: AttemptToken,
  job: { readonly config: TrainingConfig; readonly images: readonly TrainerImage[] },
  add: (event: TrainerEvent) => void,
): Promise<TrainerResume | null> {
  if (token.attempt === 1) return null;
  const db = ctx.db.prisma;
  const predicted = (await persist(() => predictionSetsOfRuns(db, [token.runId]))).get(token.runId) ?? [];
  const fingerprint = trainingFingerprint(job.config, job.images);
  const checkpoints = await persist(() => findCheckpoints(db, token.runId));
  for (const checkpoint of checkpoints) {
    const path = await open(ctx, checkpoint, fingerprint).catch(async (error: unknown) => {
      add(logLine(`the checkpoint ${describePlace(checkpoint)} is not used: ${messageOf(error)}`));
      if (error instanceof UselessCheckpoint) await persist(() => removeCheckpoint(ctx, token, checkpoint.artifact));
    });
    if (path === undefined) continue;
    add(logLine(`goes on from the checkpoint ${describePlace(checkpoint)}`));
    return { checkpoint: { path }, predicted };
  }
  if (checkpoints.length) add(logLine('begins from the start: no checkpoint can be used'));
  return { checkpoint: null, predicted };
}

class UselessCheckpoint extends Error {
  override readonly name = 'UselessCheckpoint';
}

/** The path of a checkpoint on this machine, once its bytes have been compared with their hash. */
async function open(ctx: CommandContext, { artifact }: Checkpoint, fingerprint: string): Promise<string> {
  const { contentHash } = artifact;
  if (!(await ctx.blobs.has(contentHash))) {
    throw new Error(`its file ${contentHash} is not among the blobs of this worker`);
  }
  const path = await ctx.blobs.local(contentHash);
  if ((await hashOf(path)) !== contentHash) throw new UselessCheckpoint(`its file ${contentHash} is damaged`);
  const file = await openSafetensors(path);
  try {
    if (checkpointHeader(file.metadata)?.fingerprint !== fingerprint) {
      throw new UselessCheckpoint('it is of a training with another config or other images');
    }
  } finally {
    await file.close();
  }
  return path;
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path) as AsyncIterable<Uint8Array>) hash.update(chunk);
  return hash.digest('hex');
}

function logLine(line: string): TrainerEvent {
  return { kind: 'log', stream: 'trainer', line };
}
