/** Folders below the home in which the files of archives are, one per data set: each machine unpacks what it reads. */

import { randomUUID } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { idKind } from '../domain/ids.ts';
import { isAbandoned, ownerName } from '../locks/owner.ts';

/** Also where folders of images may be put that requests may name when nothing else is configured. */
export function datasetsOf(home: string): string {
  return path.join(home, 'datasets');
}

/** What was unpacked for one data set: `files/` and what the unpacking had to report. */
export function datasetFolder(home: string, datasetId: string): string {
  return path.join(datasetsOf(home), datasetId);
}

/** Root of a data set that comes from an archive, relative to the home. */
export function unpackedRoot(datasetId: string): string {
  return `datasets/${datasetId}/files`;
}

/** Where this machine reads a data set: its root, which is relative to the home for archives. */
export function locateRoot(home: string, root: string): string {
  return path.resolve(home, root);
}

/** A new folder to unpack into, until it is whole and gets its name; it tells whose it is. */
export function draftFolder(home: string, datasetId: string): string {
  return path.join(datasetsOf(home), 'drafts', `${datasetId}.${ownerName()}.${randomUUID()}`);
}

/** Held by who makes or removes the folder of a data set on this machine. */
export function folderLock(home: string, datasetId: string): string {
  return path.join(datasetsOf(home), 'drafts', `${datasetId}.lock`);
}

/**
 * Removes what processes of this machine have left half unpacked that do not live any more, and the folders of data sets that
 * are not wanted. Folders that no data set was unpacked into stay.
 * @param wanted which of some data sets still need their folder
 */
export async function removeAbandonedFolders(
  home: string,
  wanted: (datasetIds: readonly string[]) => Promise<ReadonlySet<string>>,
): Promise<void> {
  const drafts = path.join(datasetsOf(home), 'drafts');
  for (const name of await readdir(drafts).catch(() => [])) {
    const [, owner] = /^[^.]+\.(.+)\.[0-9a-f-]+$/.exec(name) ?? [];
    if (owner && isAbandoned(owner)) await rm(path.join(drafts, name), { recursive: true, force: true });
  }
  const names = await readdir(datasetsOf(home)).catch(() => []);
  const ids = names.filter((name) => idKind(name) === 'dataset');
  const keep = await wanted(ids);
  for (const id of ids) if (!keep.has(id)) await removeDatasetFolder(home, id);
}

/** Removes what was unpacked on this machine for a data set, if anything was. */
export async function removeDatasetFolder(home: string, datasetId: string): Promise<void> {
  await rm(datasetFolder(home, datasetId), { recursive: true, force: true });
}
