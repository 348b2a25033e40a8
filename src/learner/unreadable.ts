/** Which images of a run cannot be read, found out before it begins: what is left out must not depend on when it was met. */

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { SkippedImage } from '../domain/run.ts';
import type { TrainerImage } from '../domain/trainer.ts';
import { messageOf } from '../errors.ts';
import { TrainingFailure } from './failure.ts';

/** Files that are read at once. */
const lanes = 8;

/**
 * Reads every file and compares it with what was imported, where it was decoded. In the order of `images`.
 * @throws TrainingFailure DATA_UNREADABLE when more than half of them cannot be read
 */
export async function findUnreadable(images: readonly TrainerImage[], signal: AbortSignal): Promise<SkippedImage[]> {
  const reasons: (string | undefined)[] = [];
  let next = 0;
  const lane = async () => {
    for (let i = next++; i < images.length; i = next++) reasons[i] = await problemOf(images[i]!, signal);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  const unreadable = images.flatMap(({ imageId, path }, i): SkippedImage[] => {
    const reason = reasons[i];
    return reason === undefined ? [] : [{ imageId, path, reason }];
  });
  const [first] = unreadable;
  if (first && unreadable.length > images.length / 2) {
    const count = `${unreadable.length} of ${images.length} images cannot be read, which are too many to leave out`;
    throw new TrainingFailure('DATA_UNREADABLE', `${count}; the first is ${first.path}: ${first.reason}`);
  }
  return unreadable;
}

async function problemOf({ path, contentHash }: TrainerImage, signal: AbortSignal): Promise<string | undefined> {
  signal.throwIfAborted();
  const hash = createHash('sha256');
  try {
    await pipeline(createReadStream(path), hash, { signal });
  } catch (error) {
    signal.throwIfAborted();
    return messageOf(error);
  }
  return hash.digest('hex') === contentHash ? undefined : 'it is not the file that was imported any more';
}

/** Names in the log line of what is left out. */
const named = 10;

export function describeSkipped(skipped: readonly SkippedImage[], images: number): string {
  const names = skipped.slice(0, named).map(({ path, reason }) => `${path} (${reason})`);
  const more = skipped.length > named ? `, and ${skipped.length - named} more` : '';
  return `${skipped.length} of ${images} images cannot be read and are left out: ${names.join(', ')}${more}`;
}
