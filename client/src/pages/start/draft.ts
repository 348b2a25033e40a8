/** What stands in the form: texts as they were typed, whole or not; what they say to the server, and to the link of the page. */

import { parseList, parseSize, type Size, sizeText } from '../../domain/typed.ts';
import type { StartRunInput, StartSweepInput, SweepPreprocessingInput } from '../../generated/operations.ts';
import { allFields, findField, partsOf, readField, typedValue } from './fields.ts';

export type Method = 'CROP' | 'SQUISH' | 'PAD';

export interface Preprocessing {
  /** Part of the names of its runs; empty: they are named by the sizes. */
  readonly name: string;
  readonly method: Method;
  /** What images are loaded as. */
  readonly itemSize: string;
  /** What the network sees. */
  readonly size: string;
}

export interface Draft {
  readonly architectures: readonly string[];
  readonly preprocessings: readonly Preprocessing[];
  /** By key of the field. */
  readonly values: Readonly<Record<string, string>>;
  readonly name: string;
  /** With commas between them. */
  readonly tags: string;
  readonly skipIdentical: boolean;
}

/** The recipe with its defaults, squished as in most of the notebook's runs. */
export const recipe: Draft = {
  architectures: [],
  preprocessings: [{ name: '', method: 'SQUISH', itemSize: '480', size: '224' }],
  values: Object.fromEntries(allFields.map(({ key, initial }) => [key, initial])),
  name: '',
  tags: '',
  skipIdentical: true,
};

/** The recipe of a run that was there before, as `Run.config` has it. */
export function draftOfConfig(config: Readonly<Record<string, unknown>>): Draft {
  const { architecture, itemTransform, size } = config as {
    readonly architecture: string;
    readonly size: Size;
    readonly itemTransform: { readonly size: Size; readonly method: Method };
  };
  const at = (key: string) =>
    key.split('.').reduce<unknown>((value, part) => (value as Record<string, unknown> | undefined)?.[part], config);
  return {
    ...recipe,
    architectures: [architecture],
    preprocessings: [
      { name: '', method: itemTransform.method, itemSize: sizeText(itemTransform.size), size: sizeText(size) },
    ],
    // A config may be older than a field.
    values: Object.fromEntries(
      allFields.map((field) => {
        const value = at(field.key);
        return [field.key, value === undefined ? field.initial : typedValue(field, value)];
      }),
    ),
  };
}

/** What is wrong with a value, as the server says it. */
export interface Problem {
  /** Inside the input of `startSweep`, `sweepPlan` or `startRun`. */
  readonly path: readonly string[];
  readonly message: string;
}

/** What the form asks for: a single run, or a sweep of several. */
export interface Request {
  readonly sweep: StartSweepInput;
  /** Null when there is more than one run to it. */
  readonly run: StartRunInput | null;
  /** What is typed wrongly, before the server has seen it; paths are those of the sweep. */
  readonly problems: readonly Problem[];
}

export function requestOf(experimentId: string, draft: Draft): Request {
  const problems: Problem[] = [];
  const preprocessings = draft.preprocessings.map((one, index) => readPreprocessing(one, index, problems));
  const lists: Record<string, unknown> = {};
  const single: Record<string, unknown> = {};
  let runs = draft.architectures.length * preprocessings.length;
  for (const field of allFields) {
    const text = draft.values[field.key] ?? '';
    if (text.trim() === field.initial) continue;
    const { values, problem } = readField(field, text);
    const path = field.key.split('.');
    if (problem !== undefined) problems.push({ path: ['config', ...path], message: problem });
    if (!values?.length) continue;
    if (field.several) runs *= values.length;
    put(single, path, field.kind === 'lines' ? values : values[0]);
    put(lists, path, field.several || field.kind === 'lines' ? values : values[0]);
  }
  if (!draft.architectures.length) problems.push({ path: ['architectures'], message: 'Choose at least one' });
  if (!preprocessings.length) problems.push({ path: ['preprocessings'], message: 'Add at least one' });

  const tags = parseList(draft.tags);
  const about = { experimentId, ...(draft.name.trim() && { name: draft.name }), ...(tags.length && { tags }) };
  const { architectures, skipIdentical } = draft;
  const sweep = { ...about, architectures, preprocessings, config: lists, skipIdentical } as StartSweepInput;
  const [architecture] = architectures;
  const [first] = preprocessings;
  if (runs !== 1 || architecture === undefined || !first) return { sweep, run: null, problems };
  const { itemTransform, size } = first;
  // As the plan calls it: a name of the preprocessing is part of the run's.
  const named = first.name && !about.name ? { name: `${architecture} ${first.name}` } : {};
  const run = { ...named, ...about, config: { architecture, itemTransform, size, ...single } } as StartRunInput;
  return { sweep, run, problems };
}

function readPreprocessing(
  { name, method, itemSize, size }: Preprocessing,
  index: number,
  problems: Problem[],
): SweepPreprocessingInput {
  const read = (text: string, ...path: string[]): Size => {
    const parsed = parseSize(text);
    if (!parsed) {
      const message = text.trim() ? `${text} is no size: write 224, or 320x240 for height x width` : 'Give a size';
      problems.push({ path: ['preprocessings', String(index), ...path], message });
    }
    return parsed ?? { height: 0, width: 0 };
  };
  const itemTransform = { size: read(itemSize, 'itemTransform', 'size'), method };
  return { ...(name.trim() && { name }), itemTransform, size: read(size, 'size') };
}

function put(target: Record<string, unknown>, [head, ...rest]: readonly string[], value: unknown): void {
  if (head === undefined) return;
  const inner = (target[head] ?? {}) as Record<string, unknown>;
  if (rest.length) put(inner, rest, value);
  target[head] = rest.length ? inner : value;
}

export interface Change {
  /** Key of a field, `architectures` or `preprocessings`. */
  readonly key: string;
  readonly label: string;
  readonly before: string;
  readonly after: string;
}

/** What of the recipe differs between two drafts, in words. */
export function changesBetween(before: Draft, after: Draft): readonly Change[] {
  const pairs = [
    { key: 'architectures', label: 'Architecture', text: ({ architectures }: Draft) => architectures.join(', ') },
    {
      key: 'preprocessings',
      label: 'Images',
      text: ({ preprocessings }: Draft) => preprocessings.map(preprocessingText).join(', '),
    },
    ...allFields.map((field) => ({
      key: field.key,
      label: field.label,
      text: ({ values }: Draft) => shown(field.key, values[field.key] ?? ''),
    })),
  ];
  return pairs
    .map(({ key, label, text }) => ({ key, label, before: text(before), after: text(after) }))
    .filter((change) => change.before !== change.after);
}

/** Takes one difference back. */
export function undo(key: string, before: Draft, after: Draft): Draft {
  if (key === 'architectures') return { ...after, architectures: before.architectures };
  if (key === 'preprocessings') return { ...after, preprocessings: before.preprocessings };
  return { ...after, values: { ...after.values, [key]: before.values[key] ?? '' } };
}

/** `squish 480 → 224` */
function preprocessingText({ name, method, itemSize, size }: Preprocessing): string {
  const sizes = `${method.toLowerCase()} ${itemSize || '?'} → ${size || '?'}`;
  return name.trim() ? `${name} (${sizes})` : sizes;
}

function shown(key: string, text: string): string {
  const field = findField(key)!;
  const parts = partsOf(field, text.trim() === '' ? field.initial : text);
  return parts.map((part) => field.options?.find(({ value }) => value === part)?.label ?? part).join(', ');
}
