import { isBlobUsed } from '../store/artifact.ts';
import type { CommandContext } from './context.ts';

/** Removes blobs that no row needs. Call after the transaction that let go of them. */
export async function releaseBlobs(ctx: CommandContext, contentHashes: readonly string[]): Promise<void> {
  for (const hash of contentHashes) {
    if (!(await isBlobUsed(ctx.db.prisma, hash))) await ctx.blobs.delete(hash);
  }
}
