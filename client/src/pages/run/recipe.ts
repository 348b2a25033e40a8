/** The config of a run as people read it, and as an operation that starts it again. */

import { leavesOf } from '../../domain/configLeaves.ts';
import { type RecipePath, recipeLabels } from '../../format/recipeLabels.ts';

export interface RecipeRow {
  /** Where the value stands in the config, e.g. `itemTransform.size`. */
  readonly path: string;
  readonly label: string;
  readonly value: string;
}

export interface RecipeGroup {
  readonly title: string;
  readonly rows: readonly RecipeRow[];
}

type Config = Readonly<Record<string, unknown>>;

/** What is called as in the form, or a path and what it is called here: with its unit, or since yes and no answer it. */
type Field = RecipePath | readonly [path: string, label: string];

const groups: readonly (readonly [title: string, fields: readonly Field[]])[] = [
  ['Network', [['architecture', 'Architecture'], 'pretrained', 'weightsUri', 'precision']],
  [
    'Images',
    [
      ['itemTransform.method', 'Resize'],
      ['itemTransform.size', 'Load as (height × width)'],
      ['size', 'Train at (height × width)'],
      'minScale',
      'labels',
      'unreadableImages',
    ],
  ],
  [
    'Training',
    [
      'schedule',
      'epochs',
      'freezeEpochs',
      'baseLearningRate',
      'weightDecay',
      'effectiveBatchSize',
      'accumulation',
      ['autoAccumulation', 'Doubled when memory runs out'],
      'memoryBudget',
      ['maxSeconds', 'Time limit (seconds)'],
    ],
  ],
  ['Split and seeds', ['validFraction', 'seed', 'splitSeed']],
  [
    'Predictions to store',
    ['predict.test', 'predict.valid', 'predict.holdout', 'predict.ttaPasses', 'predict.ttaBeta'],
  ],
  [
    'Checkpoints',
    [
      'checkpoints.everyMinutes',
      'checkpoints.keepLast',
      'checkpoints.keepBest',
      ['checkpoints.keepEvery', 'Keep one every (epochs)'],
    ],
  ],
];

/** Everything in the config, grouped; what this version has no words for comes last, under its own names. */
export function recipeGroups(config: Config): readonly RecipeGroup[] {
  // A size is one value.
  const values = new Map(leavesOf(config, isSize));
  const take = (path: string) => {
    const value = values.get(path);
    values.delete(path);
    return value;
  };
  const known = groups.map(([title, fields]) => ({
    title,
    rows: fields
      .map((field) => (typeof field === 'string' ? ([field, recipeLabels[field]] as const) : field))
      .flatMap(([path, label]) => (values.has(path) ? [{ path, label, value: showValue(take(path)) }] : [])),
  }));
  const others = [...values].map(([path, value]) => ({ path, label: path, value: showValue(value) }));
  return [...known, { title: 'Other', rows: others }].filter(({ rows }) => rows.length > 0);
}

function showValue(value: unknown): string {
  if (value === null || value === undefined) return '–';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (Array.isArray(value)) return value.join(', ');
  if (typeof value === 'object' && isSize(value)) return `${value.height} × ${value.width}`;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function isSize(value: object): value is { height: unknown; width: unknown } {
  return 'height' in value && 'width' in value && Object.keys(value).length === 2;
}

/** An operation to send, as GraphiQL takes it. */
export interface Operation {
  readonly document: string;
  readonly variables: Readonly<Record<string, unknown>>;
}

/** Starts the same training again: the same seed, the same split, the same tags, under the same name. */
export function startRunOperation(run: {
  readonly name: string;
  readonly tags: readonly string[];
  readonly config: Config;
  readonly experiment: { readonly id: string };
}): Operation {
  return {
    document: `mutation StartRun($input: StartRunInput!) {
  startRun(input: $input) {
    run {
      id
      name
      status
    }
    userErrors {
      code
      message
      path
    }
  }
}
`,
    variables: {
      input: { experimentId: run.experiment.id, name: run.name, tags: [...run.tags], config: run.config },
    },
  };
}

/** Where GraphiQL shows an operation, ready to be sent. */
export function graphiqlLink({ document, variables }: Operation): string {
  const text = JSON.stringify(variables, null, 2);
  return `/graphiql?query=${encodeURIComponent(document)}&variables=${encodeURIComponent(text)}`;
}
