/** Finds the files of a data set: the competition's shape or plain class folders. Nothing outside the root is ever reached. */

import type { Dirent } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { compareCodePoints, type ImportProblem } from '../domain/dataset.ts';
import { isLeftover } from '../domain/leftovers.ts';
import { messageOf, refuse } from '../errors.ts';

export interface FoundFile {
  readonly split: 'TRAIN' | 'TEST' | 'HOLDOUT';
  /** Name of the class folder; null in TEST. */
  readonly label: string | null;
  /** File name. */
  readonly name: string;
  /** Relative to the root, `/` between parts. */
  readonly path: string;
  /** Where its bytes are: no link. */
  readonly absolute: string;
}

export interface FoundFolder {
  /** Resolved path of the root: the folder asked for, or the single one in it. */
  readonly root: string;
  /** Name of that single folder, '' when it was not looked through. */
  readonly inside: string;
  /** `train_images/` is there; otherwise the class folders lie in the root itself. */
  readonly shape: 'competition' | 'classes';
  /** `holdout_images/` is there. */
  readonly hasHoldout: boolean;
  /** Folders of the training classes, empty ones included. */
  readonly classes: readonly { readonly label: string; readonly path: string }[];
  /** In path order: train, then test, then hold-out. */
  readonly files: readonly FoundFile[];
  readonly problems: readonly ImportProblem[];
}

const trainFolder = 'train_images';
const testFolder = 'test_images';
const holdoutFolder = 'holdout_images';
const ownFolders = [trainFolder, testFolder, holdoutFolder];

/**
 * Lists the folder. Throws UserInputError when it is missing, no folder, or has no class folders.
 * @param called how messages call it
 * @param resolved the path had no link in it: refused when it has one by now, for whoever looked where it leads saw another folder
 */
export async function findFiles(path: string, called: string = path, resolved = false): Promise<FoundFolder> {
  const asked = await resolveRoot(path);
  if (resolved && asked !== path) {
    throw refuse('INVALID', `${called} was replaced by a link while it was imported; leave it alone and try again`, [
      'path',
    ]);
  }
  const inside = await singleFolder(asked);
  const root = join(asked, inside);
  const finder = createFinder(root);
  const top = await finder.list('');
  const isFolder = (name: string) => top.some((entry) => entry.name === name && entry.isDirectory());
  const shape = isFolder(trainFolder) ? 'competition' : 'classes';
  const classRoot = shape === 'competition' ? trainFolder : '';
  const inClassRoot = classRoot
    ? await finder.list(classRoot)
    : top.filter(({ name }) => name !== testFolder && name !== holdoutFolder);
  const classes = await finder.classes(classRoot, inClassRoot);
  if (!classes.length) {
    const [link] = finder.problems.filter(({ severity }) => severity === 'REJECTED');
    throw refuse(
      'INVALID',
      `${called} has no class folders${classRoot ? ` in ${classRoot}/` : ''}${link ? ` (${link.path} ${link.reason})` : ''}; put the images into ${trainFolder}/<class>/ ` +
        `(with train.csv, ${testFolder}/, ${holdoutFolder}/<class>/ and sample_submission.csv beside it) or into <class>/`,
      ['path'],
    );
  }
  const files: FoundFile[] = [];
  for (const { label, path: at } of classes) {
    files.push(...(await finder.files(at, (name) => ({ split: 'TRAIN', label, name }))));
  }
  if (isFolder(testFolder)) {
    files.push(...(await finder.files(testFolder, (name) => ({ split: 'TEST', label: null, name }))));
  }
  const hasHoldout = isFolder(holdoutFolder);
  if (hasHoldout) {
    for (const { label, path: at } of await finder.classes(holdoutFolder, await finder.list(holdoutFolder))) {
      files.push(...(await finder.files(at, (name) => ({ split: 'HOLDOUT', label, name }))));
    }
  }
  return { root, inside, shape, hasHoldout, classes, files, problems: finder.problems };
}

async function resolveRoot(path: string): Promise<string> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ENOENT'
      ? refuse('NOT_FOUND', `there is no folder ${path}`, ['path'])
      : refuse('INVALID', `${path} cannot be read: ${messageOf(error)}`, ['path']);
  });
  if (!found.isDirectory()) throw refuse('INVALID', `${path} is not a folder`, ['path']);
  return realpath(path);
}

/** The one folder that a folder holds, if it holds nothing else and that one has folders of its own: how archives are often made. */
async function singleFolder(root: string): Promise<string> {
  const visible = async (folder: string) =>
    (await readdir(folder, { withFileTypes: true })).filter(({ name }) => !isLeftover(name) && !name.startsWith('.'));
  const [only, ...others] = await visible(root);
  if (!only?.isDirectory() || others.length || ownFolders.includes(only.name)) return '';
  const inner = await visible(join(root, only.name));
  return inner.some((entry) => entry.isDirectory()) ? only.name : '';
}

function createFinder(root: string) {
  const problems: ImportProblem[] = [];
  const skip = (path: string, reason: string) => problems.push({ path, reason, severity: 'SKIPPED' });
  const reject = (path: string, reason: string) => problems.push({ path, reason, severity: 'REJECTED' });

  /** Entries of a folder by code point, without leftovers and dot files. */
  const list = async (path: string): Promise<Dirent[]> => {
    const entries = await readdir(join(root, path), { withFileTypes: true }).catch((error: unknown) => {
      throw refuse('INVALID', `${join(root, path)} cannot be read: ${messageOf(error)}`, ['path']);
    });
    return entries
      .sort((a, b) => compareCodePoints(a.name, b.name))
      .filter((entry) => {
        if (isLeftover(entry.name)) return false;
        if (entry.name.startsWith('.')) skip(join2(path, entry.name), 'its name begins with a dot');
        return !entry.name.startsWith('.');
      });
  };

  /** Links to folders are reported, never followed: they may leave the root or lead in circles. */
  const isFolder = async (entry: Dirent, path: string): Promise<boolean> => {
    if (entry.isSymbolicLink() && (await stat(join(root, path)).catch(() => undefined))?.isDirectory()) {
      reject(path, 'links to a folder; such links are not followed');
    }
    return entry.isDirectory();
  };

  /** The class folders among `entries` of a folder; what else lies in one made for them is reported. */
  const classes = async (folder: string, entries: readonly Dirent[]): Promise<{ label: string; path: string }[]> => {
    const found: { label: string; path: string }[] = [];
    for (const entry of entries) {
      const path = join2(folder, entry.name);
      if (await isFolder(entry, path)) found.push({ label: entry.name, path });
      else if (folder) skip(path, 'lies beside the class folders; images belong into one of them');
    }
    return found;
  };

  /** The regular file inside the root that an entry is, by itself or through a link; reports it when there is none. */
  const usable = async (entry: Dirent, path: string): Promise<string | undefined> => {
    if (entry.isFile()) return join(root, path);
    if (entry.isDirectory()) {
      skip(`${path}/`, 'is a folder below a folder of images; move its images one level up');
    } else if (entry.isSymbolicLink()) {
      const target = await realpath(join(root, path)).catch(() => undefined);
      if (target === undefined) reject(path, 'is a link to nothing');
      else if (!target.startsWith(root + sep)) reject(path, "is a link to a file outside the data set's folder");
      else if ((await stat(target)).isFile()) return target;
      else reject(path, 'links to a folder; such links are not followed');
    } else {
      skip(path, 'is not a regular file');
    }
    return undefined;
  };

  const files = async (
    folder: string,
    describe: (name: string) => Pick<FoundFile, 'split' | 'label' | 'name'>,
  ): Promise<FoundFile[]> => {
    const found: FoundFile[] = [];
    for (const entry of await list(folder)) {
      const path = join2(folder, entry.name);
      const absolute = await usable(entry, path);
      if (absolute !== undefined) found.push({ ...describe(entry.name), path, absolute });
    }
    return found;
  };

  return { problems, list, classes, files };
}

/** Relative paths are written with `/` on every system. */
function join2(folder: string, name: string): string {
  return folder ? `${folder}/${name}` : name;
}
