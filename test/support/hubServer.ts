/** A hub of models on loopback that does as it is told: answers like the Hugging Face hub, or breaks off, stalls, lies, refuses. */

import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type HostRule, hostRuleOf } from '../../src/domain/hostRule.ts';

export const commit = '0123456789abcdef0123456789abcdef01234567';

/** How one request is answered instead of properly. */
export type Fault =
  /** The connection breaks after so many bytes of the body, once the promise settles. */
  | { readonly kind: 'cut'; readonly after: number; readonly once?: () => Promise<unknown> }
  /** Nothing more comes after so many bytes of the body; `reached` is called then. */
  | { readonly kind: 'stall'; readonly after: number; readonly reached?: () => void }
  | { readonly kind: 'status'; readonly status: number; readonly headers?: Record<string, string> }
  /** The bytes are others, as many. */
  | { readonly kind: 'corrupt' }
  /** Some other file, or part of one. */
  | {
      readonly kind: 'content';
      readonly body: Buffer;
      readonly status?: number;
      readonly headers?: Record<string, string>;
    }
  /** Headers of a proper answer that are replaced; null: left out. */
  | { readonly kind: 'headers'; readonly headers: Record<string, string | null> }
  /** Answers properly once the promise settles. */
  | { readonly kind: 'wait'; readonly until: Promise<unknown>; readonly asked?: () => void };

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
}

export interface HubServer {
  readonly url: string;
  readonly seen: SeenRequest[];
  /** Content by `owner/name/file`. */
  readonly files: Map<string, Buffer>;
  /** For the next requests of a method, in order; after them every answer is proper. */
  readonly faults: { HEAD: Fault[]; GET: Fault[] };
  /** Methods of the requests seen, e.g. `HEAD GET`. */
  methods(): string;
  close(): Promise<void>;
}

export function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** What lets a worker ask it. */
export function ruleOf({ url }: Pick<HubServer, 'url'>): HostRule {
  return { ...hostRuleOf(new URL(url)), mayBePrivate: true };
}

/**
 * Starts one. With `storage`, files lie on that server, as large ones do on the real hub; with `token`, others are refused.
 */
export async function startHub(
  files: Readonly<Record<string, Buffer>>,
  { storage, token }: { storage?: HubServer; token?: string } = {},
): Promise<HubServer> {
  const contents = new Map(Object.entries(files));
  const seen: SeenRequest[] = [];
  const faults: HubServer['faults'] = { HEAD: [], GET: [] };
  const server = createServer((request, response) => {
    const method = request.method as 'HEAD' | 'GET';
    seen.push({ method, path: request.url!, headers: request.headers });
    const [path] = request.url!.split('?') as [string];
    const key = decodeURIComponent(path.slice(1).replace(/\/resolve\/[^/]+\//, '/'));
    const fault = faults[method].shift();
    if (token !== undefined && request.headers.authorization !== `Bearer ${token}`) {
      response.writeHead(401, { 'x-error-code': 'RepoNotFound' }).end();
      return;
    }
    void answer(request, response, contents.get(key), key, fault, storage);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    files: contents,
    faults,
    methods: () => seen.map(({ method }) => method).join(' '),
    close: () => close(server),
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  file: Buffer | undefined,
  key: string,
  fault: Fault | undefined,
  storage: HubServer | undefined,
): Promise<void> {
  if (fault?.kind === 'status') {
    response.writeHead(fault.status, fault.headers).end();
    return;
  }
  if (fault?.kind === 'content') {
    response.writeHead(fault.status ?? 200, { 'content-length': fault.body.length, ...fault.headers }).end(fault.body);
    return;
  }
  if (fault?.kind === 'wait') {
    fault.asked?.();
    await fault.until;
  }
  if (!file) {
    response.writeHead(404, { 'x-error-code': 'EntryNotFound', 'x-repo-commit': commit }).end();
    return;
  }
  const etag = `"${sha256(file)}"`;
  if (storage) {
    storage.files.set(key, file);
    const described = { 'x-repo-commit': commit, 'x-linked-etag': etag, 'x-linked-size': String(file.length) };
    response
      .writeHead(302, { ...described, etag: '"pointer"', location: `${storage.url}/${key}?signature=secret` })
      .end();
    return;
  }
  const range = /^bytes=(\d+)-$/.exec(request.headers.range ?? '');
  const condition = request.headers['if-range'];
  const from = range && (condition === undefined || condition === etag) ? Number(range[1]) : 0;
  const body = fault?.kind === 'corrupt' ? file.map((byte) => byte ^ 1) : file;
  const headers: Record<string, string | null> = {
    etag,
    'x-repo-commit': commit,
    'content-length': String(file.length - from),
    ...(from > 0 && { 'content-range': `bytes ${from}-${file.length - 1}/${file.length}` }),
    ...(fault?.kind === 'headers' && fault.headers),
  };
  const sent = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== null)) as Record<
    string,
    string
  >;
  response.writeHead(from > 0 ? 206 : 200, sent);
  if (request.method === 'HEAD') response.end();
  else send(response, Buffer.from(body).subarray(from), fault);
}

function send(response: ServerResponse, body: Buffer, fault: Fault | undefined): void {
  switch (fault?.kind) {
    case 'cut':
      response.write(body.subarray(0, fault.after), () => void fault.once?.().finally(() => response.destroy()));
      if (!fault.once) response.destroy();
      break;
    case 'stall':
      response.write(body.subarray(0, fault.after), () => fault.reached?.());
      break;
    default:
      response.end(body);
  }
}

function close(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve, reject) => {
    server.close((error) => (error ? reject(error) : resolve()));
  });
}
