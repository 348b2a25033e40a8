/**
 * The cache of the Hugging Face libraries, in their own layout, so that each finds what the other has downloaded:
 * models--OWNER--NAME/{blobs/ETAG, refs/REVISION, snapshots/COMMIT/FILE -> blobs/ETAG}.
 */

import { randomUUID } from 'node:crypto';
import { copyFile, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { makeFolder } from '../makeFolder.ts';

/** Where the parts of one repository lie below the cache's root. */
export interface RepositoryCache {
  /** The content of version `etag` of a file. */
  blob(etag: string): string;
  /** What there is of a download so far. */
  partial(etag: string): string;
  lock(etag: string): string;
  /** Path of a file that is already there, at a branch, tag or commit; undefined when it is not. */
  find(revision: string, file: string): Promise<string | undefined>;
  /** Makes the blob `etag` the file of a commit, and the commit what `revision` means. Returns the file's path. */
  link(options: { revision: string; commit: string; file: string; etag: string }): Promise<string>;
}

/** The part of the cache below `root` that belongs to `repository`, `owner/name`. Touches no file yet. */
export function repositoryCache(root: string, repository: string): RepositoryCache {
  const name = `models--${repository.replace('/', '--')}`;
  const folder = path.join(root, name);
  const blob = (etag: string) => path.join(folder, 'blobs', etag);
  const ref = (revision: string) => path.join(folder, 'refs', revision);
  const snapshot = (commit: string, file: string) => path.join(folder, 'snapshots', commit, file);
  return {
    blob,
    // Not the name that Python's library uses, for it may be downloading the same file; nor another machine or container that shares the
    // cache, whose processes the lock cannot tell dead from living.
    partial: (etag) => `${blob(etag)}.${os.hostname().replace(/[^\w.-]/g, '_')}.rungraph.incomplete`,
    lock: (etag) => path.join(root, '.locks', name, `${etag}.rungraph.lock`),
    async find(revision, file) {
      const commit = isCommit(revision) ? revision : await readRef(ref(revision));
      if (!commit) return undefined;
      const found = snapshot(commit, file);
      return (await sizeIfThere(found)) === undefined ? undefined : found;
    },
    async link({ revision, commit, file, etag }) {
      const target = snapshot(commit, file);
      await makeFolder(path.dirname(target));
      await replace(target, (temporary) => linkOrCopy(blob(etag), target, temporary));
      if (revision !== commit) {
        await makeFolder(path.dirname(ref(revision)));
        await replace(ref(revision), (temporary) => writeFile(temporary, commit));
      }
      return target;
    },
  };
}

/** Whether a revision always means the same files. */
export function isCommit(revision: string): boolean {
  return /^[0-9a-f]{40}$/.test(revision);
}

/** Bytes of a file (behind its link), or undefined when it is not there. */
export async function sizeIfThere(file: string): Promise<number | undefined> {
  try {
    const found = await stat(file);
    return found.isFile() ? found.size : undefined;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

async function readRef(file: string): Promise<string | undefined> {
  const commit = await readFile(file, 'utf8').catch(() => '');
  return isCommit(commit.trim()) ? commit.trim() : undefined;
}

/** A relative link, as the Hugging Face libraries make it; a copy where links are not allowed. */
async function linkOrCopy(blob: string, target: string, temporary: string): Promise<void> {
  try {
    await symlink(path.relative(path.dirname(target), blob), temporary);
  } catch {
    await copyFile(blob, temporary);
  }
}

/** Makes a file under another name and moves it into place: nobody sees it half-made. */
async function replace(file: string, make: (temporary: string) => Promise<void>): Promise<void> {
  const temporary = `${file}.${randomUUID()}`;
  try {
    await make(temporary);
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
