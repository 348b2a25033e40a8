/** What `predict` asks of a server: the weights of a run. */

import { messageOf, StartupError } from '../../errors.ts';

export interface WeightsArtifact {
  readonly id: string;
  readonly downloadUrl: string;
  /** SHA-256. */
  readonly contentHash: string;
  /** Bytes. */
  readonly size: number;
}

const query = `query Weights($id: ID!) {
  run(id: $id) { status artifacts { id kind downloadUrl contentHash size } }
}`;

export interface PredictServer {
  /** Without a slash at the end. */
  readonly url: string;
  /** Secret. */
  readonly apiKey: string | undefined;
}

interface Answer {
  readonly data?: {
    readonly run: {
      readonly status: string;
      readonly artifacts: readonly (WeightsArtifact & { readonly kind: string })[];
    } | null;
  } | null;
  readonly errors?: readonly { readonly message: string }[];
}

/** @throws StartupError when there is no such run, or it has no weights */
export async function findWeights(server: PredictServer, runId: string, signal: AbortSignal): Promise<WeightsArtifact> {
  const response = await request(server, '/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables: { id: runId } }),
    signal,
  });
  const answer = await response.json().catch(() => ({}));
  const { data, errors } = answer as Answer;
  if (!data) {
    const reason = errors?.map(({ message }) => message).join('; ') ?? `status ${response.status}`;
    if (response.status === 401 || response.status === 403) throw refused(server, reason);
    throw new StartupError(`${server.url} does not answer as a Rungraph server does: ${reason}`);
  }
  if (!data.run) throw new StartupError(`There is no run ${runId} on ${server.url}`);
  const weights = data.run.artifacts.find(({ kind }) => kind === 'WEIGHTS');
  if (weights) return weights;
  throw new StartupError(
    data.run.status === 'SUCCEEDED'
      ? `Run ${runId} has left no weights: memory probes have none, and where a training could not store them its log says why`
      : `Run ${runId} is ${data.run.status}: only a training that SUCCEEDED leaves weights`,
  );
}

/** The bytes of an artifact as they come. */
export async function openDownload(
  server: PredictServer,
  { downloadUrl }: WeightsArtifact,
  signal: AbortSignal,
): Promise<AsyncIterable<Uint8Array>> {
  const response = await request(server, downloadUrl, { signal });
  if (response.ok && response.body) return unbroken(server.url, response.body, signal);
  const answer = (await response.json().catch(() => ({}))) as Answer;
  throw new StartupError(
    `${server.url}${downloadUrl}: ${answer.errors?.map(({ message }) => message).join('; ') ?? `status ${response.status}`}`,
  );
}

async function* unbroken(
  server: string,
  body: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void> {
  try {
    yield* body;
  } catch (error) {
    signal.throwIfAborted();
    throw new StartupError(`The connection to ${server} broke (${messageOf(error)}). Try again`);
  }
}

async function request({ url, apiKey }: PredictServer, path: string, init: RequestInit): Promise<Response> {
  try {
    const credentials = apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };
    return await fetch(`${url}${path}`, { ...init, headers: { ...init.headers, ...credentials } });
  } catch (error) {
    init.signal?.throwIfAborted();
    const { cause } = error as { cause?: unknown };
    throw new StartupError(
      `No Rungraph server answers at ${url} (${messageOf(cause ?? error)}). Start one with npm start, or name it with --server`,
    );
  }
}

function refused({ url, apiKey }: PredictServer, reason: string): StartupError {
  const remedy =
    apiKey === undefined ? 'Set RUNGRAPH_API_KEY to a key of that server' : 'RUNGRAPH_API_KEY is not good for it';
  return new StartupError(`${url} refuses this: ${reason}. ${remedy}`);
}
