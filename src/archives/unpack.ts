/** Writes the files of an archive into a folder, within limits, and reports what it leaves out. */

import { type FileHandle, mkdir, open, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { ImportProblem } from '../domain/dataset.ts';
import { refuse } from '../errors.ts';
import { makeFolder } from '../makeFolder.ts';
import type { ArchiveEntry, ReadOptions } from './archive.ts';
import { type PlaceOrReason, placeOf, shortened } from './entryName.ts';
import { ArchiveError, DamagedEntryError } from './errors.ts';
import { archiveFormat, notAnArchive } from './format.ts';
import { type ArchiveLimits, Budget } from './limits.ts';
import { readTar } from './tar.ts';
import { readZip } from './zip.ts';

export interface UnpackProgress {
  /** Files written. */
  readonly done: number;
  readonly rejected: number;
  /** Of the archive. */
  readonly bytes: number;
  readonly bytesTotal: number;
}

export interface UnpackOptions {
  readonly limits: ArchiveLimits;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: UnpackProgress) => void;
  /** Opens a new file for writing; tests put a full disk here. */
  readonly openFile?: (file: string) => Promise<FileHandle>;
}

/**
 * Unpacks `archive` into the new folder `target`: regular files and folders only, the first of equal names, without what operating
 * systems leave behind. Gives a problem for each entry left out, in their order.
 * @throws ArchiveError when the archive as a whole is refused; UserInputError UNAVAILABLE when the disk is full; the signal's reason.
 *   `target` is gone then.
 */
export async function unpackArchive(
  archive: string,
  target: string,
  options: UnpackOptions,
): Promise<readonly ImportProblem[]> {
  const { limits, signal, onProgress } = options;
  const problems: ImportProblem[] = [];
  const bytesTotal = (await stat(archive)).size;
  const budget = new Budget(limits, bytesTotal);
  let done = 0;
  let bytes = 0;
  const onRead = (read: number) => {
    bytes += read;
    onProgress?.({ done, rejected: problems.length, bytes, bytesTotal });
  };
  try {
    await makeFolder(target);
    const writer = createWriter(target, options);
    for await (const entry of await entriesOf(archive, { budget, onRead })) {
      signal?.throwIfAborted();
      budget.takeEntry();
      const place = placeOf(entry.name);
      if (place.kind === 'leftover') continue;
      const reason =
        place.kind === 'refused' ? place.reason : (refusal(entry, limits) ?? (await writer.write(entry, place.parts)));
      if (reason !== undefined) problems.push({ path: reportedPath(entry, place), reason, severity: 'REJECTED' });
      else if (entry.kind === 'file') done++;
    }
    return problems;
  } catch (error) {
    await rm(target, { recursive: true, force: true });
    throw diskFull(error)
      ? refuse('UNAVAILABLE', `the disk that holds ${target} is full; free some space and try again`)
      : error;
  }
}

async function entriesOf(archive: string, options: ReadOptions): Promise<AsyncIterable<ArchiveEntry>> {
  const format = await archiveFormat(archive);
  if (!format) throw new ArchiveError(notAnArchive);
  return format === 'zip' ? readZip(archive, options) : readTar(archive, { gzip: format === 'tar.gz' }, options);
}

/** Why an entry is left out, by what it is. */
function refusal({ kind, size, problem }: ArchiveEntry, { entryBytes }: ArchiveLimits): string | undefined {
  if (kind === 'link') return 'is a link; links in archives are not followed';
  if (kind === 'special') return 'is neither a file nor a folder';
  if (size > entryBytes) return `unpacks to ${size} bytes; at most ${entryBytes} are accepted`;
  return problem;
}

function reportedPath({ name }: ArchiveEntry, place: PlaceOrReason): string {
  if (place.kind === 'place') return shortened(place.parts.join('/'));
  return name === undefined ? '(a name that is no text)' : shortened(name);
}

function createWriter(target: string, { signal, openFile = (file) => open(file, 'wx') }: UnpackOptions) {
  const files = new Set<string>();
  const folders = new Set<string>(['']);

  /** Makes a folder and those around it. Says why not. */
  const makeFolder = async (parts: readonly string[]): Promise<string | undefined> => {
    for (let depth = 1; depth <= parts.length; depth++) {
      const folder = parts.slice(0, depth).join('/');
      if (folders.has(folder)) continue;
      if (files.has(folder)) return `needs a folder where the archive has a file (${folder})`;
      try {
        await mkdir(path.join(target, folder));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
        return `clashes with another folder on this machine's file system (${folder})`;
      }
      folders.add(folder);
    }
    return undefined;
  };

  return {
    /** Writes a file or makes a folder. Says why it was left out. */
    async write(entry: ArchiveEntry, parts: readonly string[]): Promise<string | undefined> {
      if (entry.kind === 'folder') return makeFolder(parts);
      const name = parts.join('/');
      if (folders.has(name)) return 'is a file where the archive has a folder';
      if (files.has(name)) return 'occurs more than once in the archive; the first one is taken';
      const problem = await makeFolder(parts.slice(0, -1));
      if (problem !== undefined) return problem;
      files.add(name);
      const file = path.join(target, name);
      try {
        await writeFile(await openFile(file), entry.content(), signal);
        return undefined;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EEXIST') {
          return "clashes with another file on this machine's file system, which does not tell their names apart";
        }
        if (!(error instanceof DamagedEntryError)) throw error;
        await rm(file, { force: true });
        return error.message;
      }
    },
  };
}

async function writeFile(handle: FileHandle, content: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<void> {
  try {
    for await (const chunk of content) {
      signal?.throwIfAborted();
      await handle.writeFile(chunk);
    }
  } finally {
    await handle.close();
  }
}

function diskFull(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOSPC' || code === 'EDQUOT';
}
