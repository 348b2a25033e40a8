/** The fields of a recipe besides architectures and preprocessings: what they are called, what they mean, and their defaults. */

import { bytesText, parseBytes, parseList } from '../../domain/typed.ts';
import { type RecipePath, recipeLabels } from '../../format/recipeLabels.ts';
import { boundProblem } from './bounds.ts';

/** `lines`: texts, one per line. `flag`: yes or no, always one of them. */
export type Kind = 'whole' | 'number' | 'bytes' | 'text' | 'choice' | 'flag' | 'lines';

export interface Field {
  /** Its path in `TrainingConfigInput`, with dots. */
  readonly key: string;
  readonly label: string;
  readonly hint: string;
  readonly kind: Kind;
  /** The recipe's default, as it would be typed; empty: null. A test compares it with the server's. */
  readonly initial: string;
  /** A sweep may try several values of it, with commas between them. */
  readonly several: boolean;
  /** Of a choice or flag. */
  readonly options?: readonly { readonly value: string; readonly label: string }[];
}

export interface FieldGroup {
  readonly title: string;
  readonly fields: readonly Field[];
}

const yesNo = (yes: string, no: string) => [
  { value: 'true', label: yes },
  { value: 'false', label: no },
];

const field = (key: RecipePath, kind: Kind, initial: string, hint: string): Field => ({
  ...{ key, kind, initial, hint },
  label: recipeLabels[key],
  several: true,
});
const choice = (key: RecipePath, initial: string, hint: string, options: NonNullable<Field['options']>): Field => ({
  ...field(key, 'choice', initial, hint),
  options,
});
/** The same for every run of a sweep. */
const shared = (one: Field): Field => ({ ...one, several: false });
const flag = (key: RecipePath, initial: 'true' | 'false', hint: string): Field => ({
  ...shared(field(key, 'flag', initial, hint)),
  options: yesNo('Yes', 'No'),
});

/** What most people set. */
export const mainFields: readonly Field[] = [
  field('epochs', 'whole', '12', 'With every weight trained'),
  field('freezeEpochs', 'whole', '1', 'Before those; only the head is trained'),
  field('baseLearningRate', 'number', '0.01', 'Peak, of the head; earlier layers get less'),
  field('effectiveBatchSize', 'whole', '64', 'Images per weight update'),
  field('accumulation', 'whole', '1', 'Parts a batch is computed in: more needs less memory'),
  choice('precision', 'AUTO', 'Of matrix products and convolutions', [
    { value: 'AUTO', label: 'Automatic' },
    { value: 'FP32', label: 'FP32' },
    { value: 'FP16', label: 'FP16' },
    { value: 'BF16', label: 'BF16' },
  ]),
  choice('pretrained', 'true', 'Weights are fetched from the hub on first use; random ones are drawn', [
    { value: 'true', label: 'Yes' },
    { value: 'false', label: 'No, random' },
  ]),
  field('seed', 'whole', '', 'Empty: drawn; runs of one sweep share it'),
];

/** What is folded away at first. */
export const advancedGroups: readonly FieldGroup[] = [
  {
    title: 'Schedule and augmentation',
    fields: [
      choice('schedule', 'FINE_TUNE', 'Fine-tune: the head first, then everything', [
        { value: 'FINE_TUNE', label: 'Fine-tune' },
        { value: 'FIT_ONE_CYCLE', label: 'One cycle' },
      ]),
      field('weightDecay', 'number', '0.01', 'Decoupled, 0 to 1'),
      field('minScale', 'number', '0.75', 'Share of an image that a random crop keeps'),
    ],
  },
  {
    title: 'Pretrained weights',
    fields: [
      shared(
        field(
          'weightsUri',
          'text',
          '',
          'A path on the worker’s machine, or hf://owner/repository; empty: timm’s of the architecture',
        ),
      ),
    ],
  },
  {
    title: 'Memory and time',
    fields: [
      choice(
        'autoAccumulation',
        'false',
        'What becomes of the run when memory runs out',
        yesNo('Start over, accumulation doubled', 'Fail'),
      ),
      field('memoryBudget', 'bytes', '', 'Of the trainer on a CPU, e.g. 6 GiB; empty: the worker’s limit'),
      field('maxSeconds', 'number', '', 'Seconds of all attempts together; empty: none'),
    ],
  },
  {
    title: 'Data',
    fields: [
      field('validFraction', 'number', '0.2', 'Of the training images, between 0 and 1'),
      field('splitSeed', 'whole', '', 'Which images validate; empty: by the seed'),
      choice('unreadableImages', 'FAIL', 'Files that are gone or damaged by then', [
        { value: 'FAIL', label: 'End the run' },
        { value: 'SKIP', label: 'Leave them out' },
      ]),
      shared(field('labels', 'lines', '', 'One per line, to train on these only; empty: all')),
    ],
  },
  {
    title: 'Predictions to store',
    fields: [
      flag('predict.test', 'true', 'For submissions and ensembles'),
      flag('predict.valid', 'true', 'For scores, worst errors and ensembles'),
      flag('predict.holdout', 'true', 'For scores that compare across runs'),
      shared(field('predict.ttaPasses', 'whole', '4', 'Test-time augmentation, 0 to 64; 0: plain')),
      shared(field('predict.ttaBeta', 'number', '0.25', '0 to 1')),
    ],
  },
  {
    title: 'Checkpoints',
    fields: [
      shared(field('checkpoints.everyMinutes', 'number', '10', '0: only at the end of epochs')),
      shared(field('checkpoints.keepLast', 'whole', '2', 'Until it has succeeded; 0: none is written')),
      flag('checkpoints.keepBest', 'false', 'That of the lowest error rate, for good'),
      shared(field('checkpoints.keepEvery', 'whole', '', 'So many epochs, for good; empty: none')),
    ],
  },
];

export const allFields: readonly Field[] = [...mainFields, ...advancedGroups.flatMap(({ fields }) => fields)];

export function findField(key: string): Field | undefined {
  return allFields.find((one) => one.key === key);
}

/** What is typed, as the texts of single values. */
export function partsOf({ kind, several }: Field, text: string): readonly string[] {
  if (kind === 'lines') return text.split('\n').filter((line) => line.trim() !== '');
  if (several) return parseList(text);
  return text.trim() === '' ? [] : [text.trim()];
}

export type ReadField =
  | { readonly values: readonly unknown[]; readonly problem?: undefined }
  | { readonly values?: undefined; readonly problem: string };

/** The values that were typed, as the API takes them, or why they are none. Empty: the default. */
export function readField(field: Field, text: string): ReadField {
  const values: unknown[] = [];
  for (const part of partsOf(field, text)) {
    const value = readValue(field, part);
    if (value === undefined) return { problem: `${part} is ${notA[field.kind] ?? 'not one of the choices'}` };
    const problem = typeof value === 'number' ? boundProblem(field.key, value, (own) => typedValue(field, own)) : null;
    if (problem !== null) return { problem };
    values.push(value);
  }
  return { values };
}

const notA: Partial<Record<Kind, string>> = {
  whole: 'no whole number',
  number: 'no number',
  bytes: 'no amount of memory: give a number and a unit, such as 6 GiB',
};

/** Undefined: it is none. */
function readValue({ kind, options }: Field, text: string): unknown {
  switch (kind) {
    case 'whole':
      // GraphQL's integers have 32 bits.
      return /^[+-]?\d{1,10}$/.test(text) && Math.abs(Number(text)) < 2 ** 31 ? Number(text) : undefined;
    case 'number':
      return Number.isFinite(Number(text)) ? Number(text) : undefined;
    case 'bytes':
      return parseBytes(text) ?? undefined;
    case 'choice':
    case 'flag':
      if (!options?.some(({ value }) => value === text)) return undefined;
      return text === 'true' ? true : text === 'false' ? false : text;
    case 'text':
    case 'lines':
      return text;
  }
}

/** A value of the API as it would be typed. */
export function typedValue({ kind }: Field, value: unknown): string {
  if (value === null || value === undefined) return '';
  if (kind === 'lines') return (value as readonly string[]).join('\n');
  return kind === 'bytes' ? bytesText(value as number) : String(value);
}
