import path from 'node:path';
import { parseArgs } from 'node:util';
import { messageOf, StartupError } from '../../errors.ts';
import { type Preset, presets } from './presets.ts';

export interface DemoOptions {
  /** Absolute folder in the competition's shape; undefined: draw leaf images. */
  readonly data: string | undefined;
  readonly preset: Preset;
  /** Where the machine-readable summary goes. */
  readonly json: string | undefined;
  /** End after the summary instead of leaving the server up. */
  readonly exit: boolean;
}

export const demoUsage = `Usage: npm run demo -- [options]

Starts a database, a server and a worker, then works through the main job as a GraphQL client: imports images, probes
memory, trains a sweep, ranks it, averages an ensemble and writes a submission CSV.

  --data DIR       images in the competition's shape: train_images/<class>/*, test_images/*, and if there are any
                   train.csv and sample_submission.csv; without it leaf images are drawn
  --preset NAME    quick (default): small networks on small images, a few minutes
                   recipe: the competition's recipe with its image sizes, hours on a CPU
  --epochs N       epochs of each run instead of the preset's
  --json FILE      writes a machine-readable summary
  --exit           ends when done; otherwise the server stays up until Ctrl-C
  --help           prints this
`;

/** Parses the arguments; null when help was asked for. Throws StartupError that names the wrong option. */
export function parseDemoOptions(args: readonly string[]): DemoOptions | null {
  const { values } = parse(args);
  if (values.help) return null;
  const name = values.preset;
  const preset = Object.hasOwn(presets, name) ? presets[name] : undefined;
  if (!preset) {
    throw new StartupError(`--preset: there is no ${JSON.stringify(name)}, only ${Object.keys(presets).join(' and ')}`);
  }
  return {
    data: values.data === undefined ? undefined : path.resolve(values.data),
    preset: values.epochs === undefined ? preset : { ...preset, epochs: parseEpochs(values.epochs) },
    json: values.json === undefined ? undefined : path.resolve(values.json),
    exit: values.exit,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      strict: true,
      options: {
        data: { type: 'string' },
        preset: { type: 'string', default: 'quick' },
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
