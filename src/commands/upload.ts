/** Archives that arrive over HTTP. */

import { refuse } from '../errors.ts';
import { deleteExpiredUploads, insertUpload, type Upload } from '../store/upload.ts';
import { holdBlobs, releaseBlobs } from './blobs.ts';
import type { CommandContext } from './context.ts';
import { inTransaction } from './transaction.ts';

/** Milliseconds for which an upload waits to be imported. */
const lifetime = 86_400_000;

/**
 * Stores what arrives among the blobs. When it breaks off, or is too large, nothing is kept.
 * @throws UserInputError LIMIT_EXCEEDED above the limit, INVALID when it is empty, UNAVAILABLE when the disk is full
 */
export async function storeUpload(
  ctx: CommandContext,
  { name, content }: { readonly name: string; readonly content: AsyncIterable<Uint8Array> },
): Promise<Upload> {
  await expireUploads(ctx);
  const blob = await ctx.blobs.put(within(content, ctx.files.uploadLimitBytes));
  const createdAt = ctx.now();
  const upload: Upload = {
    ...{ id: ctx.newId('upload'), name: presentable(name), contentHash: blob.hash, size: blob.size, createdAt },
    expiresAt: new Date(createdAt.getTime() + lifetime),
  };
  await inTransaction(ctx, async (tx) => {
    await holdBlobs(ctx, tx, [blob.hash]);
    await insertUpload(tx, upload);
  });
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

async function* within(content: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<Uint8Array> {
  let size = 0;
  for await (const chunk of content) {
    size += chunk.byteLength;
    if (size > maxBytes) throw tooLarge(maxBytes);
    yield chunk;
  }
  if (!size) throw refuse('INVALID', 'the upload is empty; send an archive as the body, or as a file of a form');
}

/** The last part of a path, at most 200 characters, without what neither a page nor the database takes. */
function presentable(name: string): string {
  const last = name.slice(Math.max(name.lastIndexOf('/'), name.lastIndexOf('\\')) + 1);
  return last.replace(/[\p{Cc}\p{Surrogate}]/gu, '').slice(0, 200) || 'upload';
}
