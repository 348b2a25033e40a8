/** ONNX models, made out of stored weights when somebody asks for one. */

import { onnxName } from '../domain/artifact.ts';
import { missing, refuse } from '../errors.ts';
import { type Artifact, deleteArtifact, findArtifacts, insertArtifact } from '../store/artifact.ts';
import { findRun, lockRun } from '../store/run.ts';
import { holdBlobs } from './blobs.ts';
import type { CommandContext } from './context.ts';
import { convertToOnnx } from './onnxConverter.ts';
import { quotaProblem } from './quota.ts';
import { inTransaction } from './transaction.ts';

/** Exports under way in this process, so that a second request waits for the first. */
const underWay = new Map<string, Promise<string>>();

/** One conversion at a time: each loads a tensor library. */
let conversions: Promise<unknown> = Promise.resolve();

function inTurn<T>(convert: () => Promise<T>): Promise<T> {
  const result = conversions.then(convert);
  conversions = result.catch(() => {});
  return result;
}

/** Makes the model unless it is there already; returns the artifact's id. */
export async function exportOnnx(ctx: CommandContext, runId: string): Promise<string> {
  const waiting = underWay.get(runId);
  if (waiting) return waiting;
  const made = makeOnnx(ctx, runId).finally(() => underWay.delete(runId));
  underWay.set(runId, made);
  return made;
}

async function makeOnnx(ctx: CommandContext, runId: string): Promise<string> {
  const run = await findRun(ctx.db.prisma, runId);
  if (!run) throw refuse('NOT_FOUND', missing('run', runId), ['runId']);
  const artifacts = await findArtifacts(ctx.db.prisma, [runId]);
  const earlier = artifacts.find(isOnnx);
  if (earlier && (await ctx.blobs.has(earlier.contentHash))) return earlier.id;
  const weights = artifacts.find(({ kind }) => kind === 'WEIGHTS');
  if (!weights) {
    const state = run.status === 'SUCCEEDED' ? 'left none' : `is ${run.status}`;
    throw refuse('CONFLICT', `run ${runId} has no weights (it ${state}); only a training that SUCCEEDED leaves them`, [
      'runId',
    ]);
  }
  if (!(await ctx.blobs.has(weights.contentHash))) {
    throw refuse('UNAVAILABLE', `the weights of run ${runId} are not among this server's blobs`, ['runId']);
  }
  const file = await ctx.blobs.local(weights.contentHash);
  const { hash: contentHash, size } = await inTurn(async () => {
    try {
      return await ctx.blobs.put(convertToOnnx(file));
    } catch (error) {
      // A run that is deleted meanwhile takes the file along.
      throw (await findRun(ctx.db.prisma, runId)) ? error : deleted(runId);
    }
  });
  const id = await inTransaction(ctx, async (tx) => {
    // Another server may have made it meanwhile, and the run may be gone.
    if (!(await lockRun(tx, runId))) return null;
    const other = (await findArtifacts(tx, [runId])).find(isOnnx);
    if (other && other.id !== earlier?.id) return other.id;
    if (other) await deleteArtifact(tx, other.id);
    await holdBlobs(ctx, tx, [contentHash]);
    const problem = await quotaProblem(tx, runId, size);
    if (problem) {
      throw refuse('QUOTA_EXCEEDED', `the model was not kept: ${problem}; delete runs or raise the quota`, ['runId']);
    }
    const fresh = ctx.newId('artifact');
    const createdAt = ctx.now();
    await insertArtifact(tx, { id: fresh, runId, name: onnxName, kind: 'ONNX', size, contentHash, createdAt });
    return fresh;
  });
  if (id === null) throw deleted(runId);
  return id;
}

function deleted(runId: string): Error {
  return refuse('NOT_FOUND', `run ${runId} was deleted meanwhile`, ['runId']);
}

const isOnnx = ({ kind }: Artifact): boolean => kind === 'ONNX';
