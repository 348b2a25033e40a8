/** Archives that arrive over HTTP. */

import type { StoredBlob } from '../blobs/blobStore.ts';
import { refuse, UserInputError } from '../errors.ts';
import { deleteExpiredUploads, insertUpload, lockUploads, sumWaitingUploads, type Upload } from '../store/upload.ts';
import { holdBlobs, releaseBlobs } from './blobs.ts';
import type { CommandContext } from './context.ts';
import { inTransaction } from './transaction.ts';

/** Milliseconds for which an upload waits to be imported. */
const lifetime = 86_400_000;

/** Bytes that the uploads under way in one process have brought so far. */
export interface Arriving {
  bytes: number;
}

/**
 * Stores what arrives among the blobs. When it breaks off, is too large, or there is no room for it, nothing is kept. The uploads that
 * wait to be imported never have more than their limit together. What arrives is counted by each server for itself: while uploads are
 * under way, the disk may hold as much again for each.
 * @throws UserInputError LIMIT_EXCEEDED above a limit, INVALID when it is empty, UNAVAILABLE when the disk is full
 */
export async function storeUpload(
  ctx: CommandContext,
  { name, content, announced, arriving }: NewUpload,
): Promise<Upload> {
  await expireUploads(ctx);
  const { uploadLimitBytes, uploadsLimitBytes } = ctx.files;
  const room = uploadsLimitBytes - (await sumWaitingUploads(ctx.db.prisma, ctx.now()));
  if (arriving.bytes + announced > room) throw noRoom(uploadsLimitBytes);
  let size = 0;
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const chunk of content) {
      size += chunk.byteLength;
      arriving.bytes += chunk.byteLength;
      if (size > uploadLimitBytes) throw tooLarge(uploadLimitBytes);
      if (arriving.bytes > room) throw noRoom(uploadsLimitBytes);
      yield chunk;
    }
    if (!size) throw refuse('INVALID', 'the upload is empty; send an archive as the body, or as a file of a form');
  }
  try {
    return await nameUpload(ctx, name, await ctx.blobs.put(counted()));
  } finally {
    arriving.bytes -= size;
  }
}

export interface NewUpload {
  /** As the sender calls it. */
  readonly name: string;
  readonly content: AsyncIterable<Uint8Array>;
  /** Bytes that will come at least, as far as the sender says: what has no room for them is refused before they come. */
  readonly announced: number;
  /** The same for all uploads of the process. */
  readonly arriving: Arriving;
}

/** Adds the row of bytes that were just stored, or removes them where they have no room. */
async function nameUpload(ctx: CommandContext, name: string, { hash, size }: StoredBlob): Promise<Upload> {
  const createdAt = ctx.now();
  const upload: Upload = {
    ...{ id: ctx.newId('upload'), name: presentable(name), contentHash: hash, size, createdAt },
    expiresAt: new Date(createdAt.getTime() + lifetime),
  };
  const { uploadsLimitBytes } = ctx.files;
  try {
    await inTransaction(ctx, async (tx) => {
      await holdBlobs(ctx, tx, [hash]);
      // Of two at once, here or by another server, the second counts the first.
      await lockUploads(tx);
      await insertUpload(tx, upload);
      if ((await sumWaitingUploads(tx, createdAt)) > uploadsLimitBytes) throw noRoom(uploadsLimitBytes);
    });
  } catch (error) {
    if (error instanceof UserInputError) await releaseBlobs(ctx, [upload]);
    throw error;
  }
  return upload;
}

/** Forgets uploads that nobody has imported in time; data sets keep the bytes of theirs. */
export async function expireUploads(ctx: CommandContext): Promise<void> {
  await releaseBlobs(ctx, await deleteExpiredUploads(ctx.db.prisma, ctx.now()));
}

export function tooLarge(maxBytes: number) {
  return refuse(
    'LIMIT_EXCEEDED',
    `an upload may have ${maxBytes} bytes (RUNGRAPH_UPLOAD_BYTES); put the archive on the server's machine and name its path`,
  );
}

function noRoom(maxBytes: number) {
  return refuse(
    'LIMIT_EXCEEDED',
    `uploads that wait to be imported may have ${maxBytes} bytes together (RUNGRAPH_UPLOADS_BYTES); import some of them, or try again when ` +
      "they have expired, a day after they came; or put the archive on the server's machine and name its path",
  );
}

/** The last part of a path, at most 200 characters, without what neither a page nor the database takes. */
function presentable(name: string): string {
  const last = name.slice(Math.max(name.lastIndexOf('/'), name.lastIndexOf('\\')) + 1);
  return last.replace(/[\p{Cc}\p{Surrogate}]/gu, '').slice(0, 200) || 'upload';
}
