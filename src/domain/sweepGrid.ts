/** A sweep as a grid: one axis per list of values, one cell per combination of them, in a fixed order. */

import type { UserProblem } from '../errors.ts';
import { canonicalJson, type JsonObject } from './json.ts';
import { preprocessingName, sweepName, variedName } from './runName.ts';
import { parseTrainingConfig, type TrainingConfig } from './trainingConfig.ts';

/** Runs of one sweep at most. */
const sweepLimit = 200;

export interface SweepPreprocessing {
  /** Part of its runs' names. */
  readonly name?: string | null | undefined;
  readonly itemTransform: unknown;
  readonly size: unknown;
}

export interface SweepLists {
  readonly architectures: readonly string[];
  readonly preprocessings: readonly SweepPreprocessing[];
  /** The rest of the config, not checked yet: each field one value or a list of them; `labels` and `checkpoints` are the same for every run. */
  readonly config?: Readonly<Record<string, unknown>> | null | undefined;
}

type VariedField = Exclude<keyof TrainingConfig, 'architecture' | 'itemTransform' | 'size' | 'labels' | 'checkpoints'>;

/**
 * The fields of `SweepConfigInput` that take a list, in its order, which is the order of their axes, with what names of runs
 * call them; null where a value says it alone.
 */
const variedFields: Readonly<Record<VariedField, string | null>> = {
  pretrained: 'pretrained',
  weightsUri: 'weights',
  minScale: 'minScale',
  effectiveBatchSize: 'batch',
  accumulation: 'accumulation',
  autoAccumulation: 'autoAccumulation',
  memoryBudget: 'memoryBudget',
  maxSeconds: 'maxSeconds',
  unreadableImages: 'unreadable',
  schedule: null,
  epochs: 'epochs',
  freezeEpochs: 'freezeEpochs',
  baseLearningRate: 'lr',
  weightDecay: 'wd',
  precision: null,
  validFraction: 'validFraction',
  seed: 'seed',
  splitSeed: 'splitSeed',
  predict: 'predict',
};

interface Axis {
  /** Field of the config. */
  readonly field: string;
  /** Path of the list in the sweep's input. */
  readonly path: readonly string[];
  readonly values: readonly unknown[];
}

export interface SweepCell {
  readonly name: string;
  /** Null when it has problems. `seed` is null where the sweep leaves it open. */
  readonly config: TrainingConfig | null;
  readonly problems: readonly UserProblem[];
  /** Turns a path inside this cell's config into the path of the sweep's field that it came from. */
  readonly locate: (problem: UserProblem) => UserProblem;
  /** Position on each axis. */
  readonly place: readonly number[];
}

/** Architectures outermost, then preprocessings, then the config's lists in the order of the schema, the last one changing fastest. */
export class SweepGrid {
  private readonly lists: SweepLists;
  private readonly axes: readonly Axis[];

  constructor(lists: SweepLists) {
    this.lists = lists;
    this.axes = axesOf(lists);
  }

  /** `2 architectures x 1 preprocessing x 3 values of seed` */
  get name(): string {
    const { architectures, preprocessings } = this.lists;
    const varied = this.axes.slice(2).filter(({ values }) => values.length > 1);
    const counts = varied.map(({ field, values }) => ({ field, count: values.length }));
    return sweepName(architectures.length, preprocessings.length, counts);
  }

  /** What keeps the grid from being expanded: a list without values, or more runs than a sweep may have. */
  problems(): UserProblem[] {
    const empty = this.axes.filter(({ values }) => !values.length);
    if (empty.length)
      return empty.map(({ path }) => ({ code: 'INVALID', message: 'give at least one', path: [...path] }));
    const runs = this.axes.reduce((product, { values }) => product * values.length, 1);
    if (runs <= sweepLimit) return [];
    const longest = this.axes.reduce((a, b) => (b.values.length > a.values.length ? b : a));
    const message = `${this.name} are ${runs} runs, a sweep may have ${sweepLimit}`;
    return [{ code: 'LIMIT_EXCEEDED', message, path: [...longest.path] }];
  }

  /** Every cell in order. Only of a grid without `problems`. */
  cells(): SweepCell[] {
    let places: number[][] = [[]];
    for (const { values } of this.axes) places = places.flatMap((place) => values.map((_, i) => [...place, i]));
    return places.map((place) => this.cell(place));
  }

  /** Values that are in a list twice: for cells with the same config, where the later one's lists repeat themselves. */
  repeated(cells: readonly SweepCell[]): UserProblem[] {
    const first = new Map<string, SweepCell>();
    return cells.flatMap((cell) => {
      if (!cell.config) return [];
      const key = configKey(cell.config);
      const earlier = first.get(key);
      if (!earlier) first.set(key, cell);
      if (!earlier) return [];
      return this.axes.flatMap((axis, a): UserProblem[] => {
        const i = cell.place[a]!;
        if (earlier.place[a] === i) return [];
        const value = axis.field === 'architecture' ? cell.config!.architecture : axis.values[i];
        const shown = typeof value === 'object' ? '' : ` (${value})`;
        const other = [...axis.path, earlier.place[a]!].join('.');
        const message = `is the same as ${other}${shown}; give each value once, or set skipIdentical`;
        return [{ code: 'INVALID', message, path: [...axis.path, String(i)] }];
      });
    });
  }

  private cell(place: readonly number[]): SweepCell {
    const { config: shared, architectures, preprocessings } = this.lists;
    const architecture = architectures[place[0]!]!;
    const { name, itemTransform, size } = preprocessings[place[1]!]!;
    const varied = this.axes.map(({ field, values }, a) => [field, values[place[a]!]] as const).slice(2);
    const { config, problems = [] } = parseTrainingConfig({
      ...shared,
      ...Object.fromEntries(varied),
      ...{ architecture, itemTransform, size },
    });
    const locate = (problem: UserProblem) => this.locate(problem, place);
    const parts = [
      config?.architecture ?? architecture,
      name ?? (config ? preprocessingName(config) : ''),
      ...this.axes.flatMap(({ field, values }, a) =>
        a >= 2 && values.length > 1 ? [variedName(variedFields[field as VariedField], values, place[a]!)] : [],
      ),
    ];
    return {
      name: parts
        .filter((part) => part)
        .join(' ')
        .slice(0, 200),
      config: config ?? null,
      problems: problems.map(locate),
      locate,
      place,
    };
  }

  private locate(problem: UserProblem, place: readonly number[]): UserProblem {
    const [field, ...rest] = problem.path;
    if (field === 'architecture') return { ...problem, path: ['architectures', String(place[0]!)] };
    if (field === 'itemTransform' || field === 'size') {
      return { ...problem, path: ['preprocessings', String(place[1]!), ...problem.path] };
    }
    const a = this.axes.findIndex((axis) => axis.field === field);
    // A single value has the path that a client wrote it at.
    const index = a >= 0 && this.axes[a]!.values.length > 1 ? [String(place[a]!)] : [];
    return { ...problem, path: ['config', ...(field === undefined ? [] : [field]), ...index, ...rest] };
  }
}

function axesOf({ architectures, preprocessings, config }: SweepLists): Axis[] {
  const fields = Object.keys(variedFields).filter((field) => (config?.[field] ?? null) !== null);
  return [
    { field: 'architecture', path: ['architectures'], values: architectures },
    { field: 'preprocessing', path: ['preprocessings'], values: preprocessings },
    ...fields.map((field) => ({ field, path: ['config', field], values: asList(config![field]) })),
  ];
}

/** As GraphQL does it: a single value stands for a list of it. */
function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value];
}

/** Equal for configs that are equal in every field. */
export function configKey(config: TrainingConfig): string {
  return canonicalJson(config as unknown as JsonObject);
}
