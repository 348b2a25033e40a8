import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { messageOf, StartupError } from '../../errors.ts';
import { makeFolder } from '../../makeFolder.ts';
import type { WeightsArtifact } from './server.ts';

/**
 * The file of an artifact below `home`: the one there is when its hash is right, or a download. A download that is cut or
 * altered leaves nothing behind.
 * @param onBytes told of every piece that has come
 */
export async function provideFile(
  home: string,
  artifact: WeightsArtifact,
  download: () => Promise<AsyncIterable<Uint8Array>>,
  onBytes: (bytes: number) => void,
): Promise<string> {
  const file = path.join(home, 'cache', 'weights', `${artifact.contentHash}.safetensors`);
  if ((await hashOf(createReadStream(file)).catch(() => undefined)) === artifact.contentHash) return file;
  const draft = `${file}.${randomUUID()}.part`;
  try {
    await makeFolder(path.dirname(file));
    const hash = await write(await open(draft, 'wx'), await download(), onBytes);
    if (hash !== artifact.contentHash) {
      throw new StartupError(`The weights came with the hash ${hash}, expected ${artifact.contentHash}. Try again`);
    }
    await rename(draft, file);
    return file;
  } catch (error) {
    // What made the writing fail may do the same here.
    await rm(draft, { force: true }).catch(() => {});
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw new StartupError(`The weights cannot be stored in ${path.dirname(file)}: ${messageOf(error)}`);
  }
}

async function write(
  file: FileHandle,
  content: AsyncIterable<Uint8Array>,
  onBytes: (bytes: number) => void,
): Promise<string> {
  try {
    return await hashOf(content, async (chunk) => {
      await file.writeFile(chunk);
      onBytes(chunk.byteLength);
    });
  } finally {
    await file.close();
  }
}

async function hashOf(
  content: AsyncIterable<Uint8Array>,
  each: (chunk: Uint8Array) => Promise<void> = async () => {},
): Promise<string> {
  const sha = createHash('sha256');
  for await (const chunk of content) {
    sha.update(chunk);
    await each(chunk);
  }
  return sha.digest('hex');
}
