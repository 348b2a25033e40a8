import { readdir, stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { comparePaths, defaultLimits } from '../../datasets/importFolder.ts';
import { inspectImage } from '../../datasets/inspectImage.ts';
import { messageOf, StartupError } from '../../errors.ts';

export interface FolderImage {
  /** Path within the folder, `/` between parts. */
  readonly imageId: string;
  /** Absolute. */
  readonly path: string;
  readonly contentHash: string;
}

export interface InspectedFolder {
  /** By path, as Python orders path objects. */
  readonly images: readonly FolderImage[];
  /** Files that are left out. `damaged`: meant as an image. */
  readonly leftOut: readonly { readonly path: string; readonly reason: string; readonly damaged: boolean }[];
}

/**
 * The files of a folder and of those below it, by path. What begins with a dot is passed over, and links to folders are not
 * followed: they may lead in circles.
 * @throws StartupError when it is missing, no folder, or cannot be read
 */
export async function listFiles(folder: string): Promise<string[]> {
  const found = await stat(folder).catch((error: NodeJS.ErrnoException) => {
    throw new StartupError(
      error.code === 'ENOENT' ? `There is no folder ${folder}` : `${folder} cannot be read: ${messageOf(error)}`,
    );
  });
  if (!found.isDirectory()) throw new StartupError(`${folder} is not a folder`);
  const files: string[] = [];
  const visit = async (within: string): Promise<void> => {
    const at = path.join(folder, within);
    const entries = await readdir(at, { withFileTypes: true }).catch((error: unknown) => {
      throw new StartupError(`${at} cannot be read: ${messageOf(error)}`);
    });
    for (const entry of entries) {
      if (entry.name.startsWith('.')) continue;
      const name = within ? `${within}/${entry.name}` : entry.name;
      if (entry.isDirectory()) await visit(name);
      else if (entry.isFile() || (entry.isSymbolicLink() && (await isFileOrLost(path.join(folder, name)))))
        files.push(name);
    }
  };
  await visit('');
  return files.sort(comparePaths);
}

/** Really decodes every file, so that nothing is left out in the middle of a batch. */
export async function inspectFiles(
  folder: string,
  files: readonly string[],
  signal: AbortSignal,
  onFile: () => void,
): Promise<InspectedFolder> {
  const images: FolderImage[] = [];
  const leftOut: { path: string; reason: string; damaged: boolean }[] = [];
  const queue = files.values();
  const work = async () => {
    for (const name of queue) {
      signal.throwIfAborted();
      const absolute = path.join(folder, name);
      const inspection = await inspectImage({ name, absolute }, defaultLimits, { followLinks: true });
      if (inspection.kind === 'accepted') {
        images.push({ imageId: name, path: absolute, contentHash: inspection.contentHash });
      } else {
        leftOut.push({ path: name, reason: inspection.reason, damaged: inspection.severity === 'REJECTED' });
      }
      onFile();
    }
  };
  await Promise.all(Array.from({ length: Math.min(4, availableParallelism()) }, work));
  return {
    images: images.sort((a, b) => comparePaths(a.imageId, b.imageId)),
    leftOut: leftOut.sort((a, b) => comparePaths(a.path, b.path)),
  };
}

/** Whether a link leads to a file, or nowhere: then it is told of as a file that cannot be read. */
async function isFileOrLost(link: string): Promise<boolean> {
  return (await stat(link).catch(() => undefined))?.isFile() ?? true;
}
