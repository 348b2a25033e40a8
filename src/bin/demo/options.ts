import path from 'node:path';
import { parseArgs } from 'node:util';
import { messageOf, StartupError } from '../../errors.ts';
import { type ScaleName, scaleNames, scales } from './scales.ts';

export interface DemoOptions {
  /** Absolute folder in the competition's shape; undefined: draw leaf images. */
  readonly data: string | undefined;
  readonly preset: 'quick' | 'recipe';
  /** Of the recipe; undefined: the one that the machine allows. */
  readonly scale: ScaleName | undefined;
  /** The recipe without pretrained weights. */
  readonly randomWeights: boolean;
  /** Instead of the preset's. */
  readonly epochs: number | undefined;
  /** Where the machine-readable summary goes. */
  readonly json: string | undefined;
  /** End after the summary instead of leaving the server up. */
  readonly exit: boolean;
}

export const demoUsage = `Usage: npm run demo -- [options]

Starts a database, a server and a worker, then works through the main job as a GraphQL client: imports images, probes
memory, trains sweeps, ranks them, averages an ensemble and writes a submission CSV.

  --data DIR        images in the competition's shape: train_images/<class>/*, test_images/*, and if there are any
                    train.csv and sample_submission.csv; without it leaf images are drawn
  --preset NAME     quick (default): small networks on small images from random weights, a few minutes
                    recipe: the notebook "Scaling Up: Road to the Top, Part 3"; interrupted and started again it goes on
  --scale NAME      how large the recipe is; without it what the machine's GPU allows, mini without one
${scaleNames.map((name) => `                      ${name.padEnd(6)} ${scales[name].about}`).join('\n')}
  --random-weights  the recipe without pretrained weights, which are otherwise downloaded
  --epochs N        epochs of each run instead of the preset's
  --json FILE       writes a machine-readable summary
  --exit            ends when done; otherwise the server stays up until Ctrl-C
  --help            prints this
`;

/** Parses the arguments; null when help was asked for. Throws StartupError that names the wrong option. */
export function parseDemoOptions(args: readonly string[]): DemoOptions | null {
  const { values } = parse(args);
  if (values.help) return null;
  const preset = oneOf('--preset', values.preset, ['quick', 'recipe']);
  const scale = values.scale === undefined ? undefined : oneOf('--scale', values.scale, scaleNames);
  const recipeOnly = [
    ...(scale === undefined ? [] : ['--scale']),
    ...(values['random-weights'] ? ['--random-weights'] : []),
  ];
  if (preset !== 'recipe' && recipeOnly.length) {
    throw new StartupError(`${recipeOnly.join(' and ')}: only with --preset recipe`);
  }
  return {
    data: values.data === undefined ? undefined : path.resolve(values.data),
    preset,
    scale,
    randomWeights: values['random-weights'],
    epochs: values.epochs === undefined ? undefined : parseEpochs(values.epochs),
    json: values.json === undefined ? undefined : path.resolve(values.json),
    exit: values.exit,
  };
}

function oneOf<T extends string>(option: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((name) => name === value);
  if (found !== undefined) return found;
  throw new StartupError(`${option}: there is no ${JSON.stringify(value)}, only ${allowed.join(', ')}`);
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      strict: true,
      options: {
        data: { type: 'string' },
        preset: { type: 'string', default: 'quick' },
        scale: { type: 'string' },
        'random-weights': { type: 'boolean', default: false },
        epochs: { type: 'string' },
        json: { type: 'string' },
        exit: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    throw new StartupError(`${messageOf(error)}\n\n${demoUsage}`);
  }
}

function parseEpochs(text: string): number {
  const epochs = Number(text);
  if (Number.isInteger(epochs) && epochs >= 1 && epochs <= 100_000) return epochs;
  throw new StartupError(`--epochs: expected a whole number from 1 to 100000, got ${JSON.stringify(text)}`);
}
