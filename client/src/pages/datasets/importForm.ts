/** What the form of an import holds, as people type it, and what is sent of it. */

import { bytes } from '../../format/numbers.ts';
import { sentence } from '../../format/sentence.ts';

export interface ImportForm {
  readonly source: 'upload' | 'path';
  readonly name: string;
  readonly path: string;
  readonly holdOut: boolean;
  /** In percent. */
  readonly share: string;
  readonly seed: string;
}

export type ImportField = 'file' | 'path' | 'name' | 'share' | 'seed' | 'form';
export type ImportProblems = Readonly<Partial<Record<ImportField, string>>>;

/** What `importDataset` takes, without where the images are. */
export interface ImportFacts {
  readonly name: string;
  readonly holdoutFraction: number | null;
  readonly holdoutSeed: number | null;
}

/** A file of the browser's, as far as it is looked at before it is sent. */
export interface PickedFile {
  readonly name: string;
  readonly size: number;
}

const largestSeed = 2 ** 31 - 1;

/** What is to be sent, or what is wrong where, all at once. */
export function parseImportForm(
  form: ImportForm,
  file: PickedFile | null,
): { readonly facts: ImportFacts } | { readonly problems: ImportProblems } {
  const share = Number(form.share.replace(',', '.'));
  const seed = Number(form.seed);
  const fraction = Number((share / 100).toPrecision(12));
  const problems = {
    ...(form.source === 'upload' && fileProblem(file)),
    ...(form.source === 'path' && !form.path.trim() && { path: 'Give the path of a folder or an archive.' }),
    ...(!form.name.trim() && { name: 'Give it a name.' }),
    ...(form.holdOut &&
      !(form.share.trim() && share > 0 && share < 100) && { share: 'Give more than 0 and less than 100 percent.' }),
    ...(form.holdOut &&
      !(form.seed.trim() && Number.isInteger(seed) && seed >= 0 && seed <= largestSeed) && {
        seed: `Give a whole number from 0 to ${largestSeed}.`,
      }),
  };
  if (Object.keys(problems).length) return { problems };
  return {
    facts: {
      name: form.name,
      holdoutFraction: form.holdOut ? fraction : null,
      holdoutSeed: form.holdOut ? seed : null,
    },
  };
}

function fileProblem(file: PickedFile | null): ImportProblems {
  if (!file) return { file: 'Choose an archive, or drop one here.' };
  if (file.size === 0) return { file: `${file.name} is empty (${bytes(0)}).` };
  return {};
}

const fieldOf: Readonly<Record<string, ImportField>> = {
  name: 'name',
  path: 'path',
  uploadId: 'file',
  holdoutFraction: 'share',
  holdoutSeed: 'seed',
};

/** The server's refusals at the fields that they are about; several of one field are joined. */
export function placeProblems(
  errors: readonly { readonly message: string; readonly path: readonly string[] }[],
): ImportProblems {
  const placed: Partial<Record<ImportField, string>> = {};
  for (const { message, path } of errors) {
    const field = fieldOf[path[0] ?? ''] ?? 'form';
    placed[field] = placed[field] === undefined ? sentence(message) : `${placed[field]} ${sentence(message)}`;
  }
  return placed;
}

/** `C:\photos\paddy.tar.gz` and `/data/paddy/` -> `paddy`: what to call it unless somebody knows better. */
export function suggestName(file: string): string {
  const last = file.split(/[\\/]/).filter(Boolean).at(-1) ?? '';
  return last.replace(/\.(zip|tar|tgz|tar\.gz)$/i, '').trim();
}
