import path from 'node:path';
import { parseArgs } from 'node:util';
import { messageOf, StartupError } from '../../errors.ts';

export interface PredictOptions {
  readonly runId: string;
  /** Absolute. */
  readonly folder: string;
  /** Augmented passes besides the plain one. */
  readonly passes: number;
  /** Weight of the plain pass; undefined: the run's. */
  readonly beta: number | undefined;
  /** Absolute; undefined: standard output. */
  readonly out: string | undefined;
  /** Whether the CSV has a column for every label. */
  readonly probabilities: boolean;
  /** Without a slash at the end; undefined: the one on this machine. */
  readonly server: string | undefined;
  /** Images of a batch; undefined: the run's. */
  readonly batchSize: number | undefined;
  /** Compute threads; undefined: those of the configuration. */
  readonly threads: number | undefined;
}

export const predictUsage = `Usage: rungraph predict --run ID DIR [options]

Predicts every image in DIR and below with the weights of a run that SUCCEEDED, and writes a CSV: image_id,label,confidence.
Image ids are paths within DIR; rows are in their order. With the run's own settings (the defaults, and --tta as the run's
config says) the test folder gets exactly the predictions that the run has stored.

  --run ID           the run
  --tta N            augmented passes of test-time augmentation, 0 to 64; default 0
  --beta B           weight of the plain pass beside them, 0 to 1; default: the run's
  --out FILE         where the CSV goes; default: standard output
  --probabilities    adds a column for every label
  --server URL       the Rungraph server; default: the one on this machine, at PORT (4000)
  --batch N          images of a batch; default: the run's. Augmentation depends on it
  --threads N        compute threads; default: RUNGRAPH_THREADS, or one per core
  --help             prints this

RUNGRAPH_API_KEY is the key for a server that asks for one. The weights are kept below RUNGRAPH_HOME. Exit status: 0, 1 after an error, 2 when images had to be left out.
`;

/** Parses the arguments; null when help was asked for. Throws StartupError that names what is wrong. */
export function parsePredictOptions(args: readonly string[]): PredictOptions | null {
  const { values, positionals } = parse(args);
  if (values.help) return null;
  if (values.run === undefined)
    throw new StartupError(`--run is missing: the id of the run to predict with\n\n${predictUsage}`);
  const [folder, ...more] = positionals;
  if (folder === undefined) throw new StartupError(`The folder to predict is missing\n\n${predictUsage}`);
  if (more.length) throw new StartupError(`One folder can be predicted at a time, got ${positionals.join(' and ')}`);
  return {
    runId: values.run,
    folder: path.resolve(folder),
    passes: wholeNumber('--tta', values.tta, 0, 64),
    beta: values.beta === undefined ? undefined : share('--beta', values.beta),
    out: values.out === undefined ? undefined : path.resolve(values.out),
    probabilities: values.probabilities,
    server: values.server === undefined ? undefined : serverUrl(values.server),
    batchSize: values.batch === undefined ? undefined : wholeNumber('--batch', values.batch, 1, 4096),
    threads: values.threads === undefined ? undefined : wholeNumber('--threads', values.threads, 1, 1024),
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      strict: true,
      allowPositionals: true,
      options: {
        run: { type: 'string' },
        tta: { type: 'string', default: '0' },
        beta: { type: 'string' },
        out: { type: 'string' },
        probabilities: { type: 'boolean', default: false },
        server: { type: 'string' },
        batch: { type: 'string' },
        threads: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    throw new StartupError(`${messageOf(error)}\n\n${predictUsage}`);
  }
}

function wholeNumber(option: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new StartupError(`${option}: expected a whole number from ${least} to ${most}, got ${JSON.stringify(text)}`);
}

function share(option: string, text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= 0 && value <= 1) return value;
  throw new StartupError(`${option}: expected a number from 0 to 1, got ${JSON.stringify(text)}`);
}

function serverUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && /^https?:$/.test(url.protocol)) return text.replace(/\/+$/, '');
  throw new StartupError(`--server: expected a URL such as http://127.0.0.1:4000, got ${JSON.stringify(text)}`);
}
