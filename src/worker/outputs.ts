/** Folders that trainers leave files in: one per attempt, gone with it. Those of killed workers go when the next worker starts. */

import { readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { KeptArtifact } from '../commands/attempt.ts';
import { passingBytes } from '../commands/checkpoints.ts';
import type { CommandContext } from '../commands/context.ts';
import { quotaProblem } from '../commands/quota.ts';
import type { TrainerArtifact } from '../domain/trainer.ts';
import { diskProblem } from '../errors.ts';
import { isAbandoned, ownerName } from '../locks/owner.ts';
import { makeFolder } from '../makeFolder.ts';
import type { AttemptToken } from '../store/attempt.ts';
import { persist } from './persist.ts';
import { reasonOf } from './reason.ts';

/** This worker's own folder below the home's `outputs`, on the file system of the home's blobs; made when it is needed, removed when the worker stops. */
export function outputsOf(home: string): string {
  return path.join(home, 'outputs', ownerName());
}

/** Removes what workers of this machine have left that do not live any more. */
export async function removeAbandonedOutputs(home: string): Promise<void> {
  const root = path.join(home, 'outputs');
  for (const name of await readdir(root).catch(() => [])) {
    // Again where the trainer of a worker that was just killed still writes.
    if (isAbandoned(name)) await rm(path.join(root, name), { recursive: true, force: true, maxRetries: 10 });
  }
}

/** What one attempt leaves. */
export class AttemptOutput {
  readonly directory: string;
  readonly #runId: string;
  #artifacts: readonly TrainerArtifact[] = [];

  private constructor(directory: string, runId: string) {
    this.directory = directory;
    this.#runId = runId;
  }

  /**
   * A new folder below `outputs`.
   * @throws UserInputError UNAVAILABLE when none can be made
   */
  static async open(outputs: string, { runId, attempt }: AttemptToken): Promise<AttemptOutput> {
    const directory = path.join(outputs, `${runId}-${attempt}`);
    await makeFolder(directory).catch((error: unknown) => {
      throw diskProblem(error, outputs) ?? error;
    });
    return new AttemptOutput(directory, runId);
  }

  add(artifact: TrainerArtifact): void {
    this.#artifacts = [...this.#artifacts.filter(({ name }) => name !== artifact.name), artifact];
  }

  /** Moves the files that the trainer told of into the blobs. What cannot be moved, or is more than the experiment's quota allows once the run's passing checkpoints are gone, is reported and left out. */
  async keep(ctx: CommandContext, report: (line: string) => Promise<void>): Promise<KeptArtifact[]> {
    const kept: KeptArtifact[] = [];
    for (const { kind, name, path: file } of this.#artifacts) {
      try {
        const { size: bytes } = await stat(file);
        const problem = await persist(() => this.#quotaProblem(ctx, bytes));
        if (problem) {
          await report(`${name} is not kept: ${problem}`);
          continue;
        }
        const { hash: contentHash, size } = await ctx.blobs.adopt(file);
        kept.push({ kind, name, contentHash, size });
      } catch (error) {
        await report(`${name} could not be stored: ${reasonOf(error)}`);
      }
    }
    return kept;
  }

  /** Checkpoints make room for what the training was for. */
  async #quotaProblem({ db }: CommandContext, bytes: number): Promise<string | null> {
    return quotaProblem(db.prisma, this.#runId, bytes, await passingBytes(db.prisma, this.#runId));
  }

  async remove(): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
  }
}
