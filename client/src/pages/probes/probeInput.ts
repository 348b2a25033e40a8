/** The form of a memory probe: what stands in it, what it asks for, and where refusals belong. */

import { parseBytes, parseList, parseSize } from '../../domain/typed.ts';
import type { ProbeMemoryInput } from '../../generated/operations.ts';

/** Texts as they were typed, under the names that links have for them. */
export interface ProbeDraft {
  readonly experiment: string;
  /** With commas between them, as the next two. */
  readonly arch: string;
  readonly sizes: string;
  readonly precision: string;
  readonly batch: string;
  readonly budget: string;
  /** CROP, SQUISH or PAD. */
  readonly method: string;
  /** Empty: each picture is brought to its network's size. */
  readonly load: string;
  readonly equivalence: string;
  readonly refresh: string;
}

export const emptyProbe: ProbeDraft = {
  experiment: '',
  arch: '',
  sizes: '224',
  precision: 'AUTO',
  batch: '64',
  budget: '4 GiB',
  method: 'CROP',
  load: '',
  equivalence: 'false',
  refresh: 'false',
};

/** The draft that a link tells of. `get`: values of the link's search part. */
export function readProbe(base: ProbeDraft, get: (key: string) => string | null): ProbeDraft {
  const entries = Object.entries(base).map(([key, value]) => [key, get(key) ?? value]);
  return Object.fromEntries(entries) as unknown as ProbeDraft;
}

/** What a link has to say of the draft; null: nothing, for it is as in `base`. */
export function probeLink(base: ProbeDraft, draft: ProbeDraft): Readonly<Record<string, string | null>> {
  const keys = Object.keys(base) as ProbeField[];
  return Object.fromEntries(keys.map((key) => [key, draft[key] === base[key] ? null : draft[key]]));
}

export type ProbeField = keyof ProbeDraft;

export interface ProbeProblem {
  readonly field: ProbeField | null;
  readonly message: string;
}

/** Every network of the draft: architectures, each in all sizes, each in all precisions. */
export function probeInput(draft: ProbeDraft): {
  readonly input: ProbeMemoryInput;
  readonly problems: readonly ProbeProblem[];
} {
  const problems: ProbeProblem[] = [];
  const report = (field: ProbeField, message: string) => problems.push({ field, message });
  const architectures = parseList(draft.arch);
  const precisions = parseList(draft.precision);
  const sizes = parseList(draft.sizes).map((text) => ({ text, size: parseSize(text) }));
  const load = draft.load.trim() === '' ? null : parseSize(draft.load);
  const budget = parseBytes(draft.budget);

  if (!draft.experiment) report('experiment', 'Choose an experiment: its data set is trained on');
  if (!architectures.length) report('arch', 'Choose at least one');
  if (!sizes.length) report('sizes', 'Give at least one');
  for (const { text, size } of sizes) if (!size) report('sizes', `${text} is no size: write 224, or 320x240`);
  if (!precisions.length) report('precision', 'Choose at least one');
  if (draft.load.trim() !== '' && !load) report('load', `${draft.load} is no size: write 480, or 640x480`);
  if (budget === null) report('budget', 'Give a number and a unit, such as 4 GiB');
  if (!/^\d{1,9}$/.test(draft.batch.trim())) report('batch', `${draft.batch || 'Nothing'} is no whole number`);

  const targets = architectures.flatMap((architecture) =>
    sizes.flatMap(({ size }) =>
      precisions.map((precision) => ({
        architecture,
        size,
        precision,
        ...((load || draft.method !== 'CROP') && { itemTransform: { size: load ?? size, method: draft.method } }),
      })),
    ),
  );
  const input = {
    experimentId: draft.experiment,
    targets,
    effectiveBatchSize: Number(draft.batch),
    budget: { bytes: budget },
    refresh: draft.refresh === 'true',
    equivalence: draft.equivalence === 'true',
  };
  return { input: input as ProbeMemoryInput, problems };
}

/** The fields that refusals concern; those of several networks that say the same once. */
export function placeRefusals(
  errors: readonly { readonly path: readonly string[]; readonly message: string }[],
): readonly ProbeProblem[] {
  const fields: Readonly<Record<string, ProbeField>> = {
    experimentId: 'experiment',
    effectiveBatchSize: 'batch',
    budget: 'budget',
    architecture: 'arch',
    size: 'sizes',
    precision: 'precision',
    itemTransform: 'load',
  };
  const placed = errors.map(({ path: [root = '', , part = ''], message }) => ({
    field: fields[root === 'targets' ? part : root] ?? null,
    message,
  }));
  return placed.filter(
    (one, index) => placed.findIndex(({ field, message }) => field === one.field && message === one.message) === index,
  );
}
