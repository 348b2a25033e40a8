/** Requests to the hub: redirects followed by hand and to allowed hosts only, the token for the endpoint's own host only, no wait without end. */

import { messageOf } from '../errors.ts';
import { type Outgoing, OutgoingRefusedError, type OutgoingResponse } from '../outgoing/outgoing.ts';
import { HubError } from './errors.ts';

export interface HubHttp {
  /** Without a slash at the end. */
  readonly endpoint: string;
  /** The access token now. */
  readonly token: () => string | undefined;
  readonly outgoing: Outgoing;
  readonly idleMilliseconds: number;
}

export interface HubResponse {
  /** Of the endpoint's own host: the answer that describes the file, which may be a redirect to where it lies. */
  readonly own: { readonly headers: Headers; readonly status: number };
  /** Of the answer that is no redirect any more. */
  readonly status: number;
  readonly headers: Headers;
  /** Chunk by chunk; throws a retryable HubError when the connection breaks or falls silent. */
  body(): AsyncGenerator<Uint8Array, void>;
  /** Drops the connection. */
  close(): void;
}

export interface HubRequest {
  readonly method: 'HEAD' | 'GET';
  readonly url: string;
  /** What messages call the file. */
  readonly name: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent to the endpoint's own host only. */
  readonly ownHeaders?: Readonly<Record<string, string>>;
  /** Whether a redirect to another host is followed; otherwise it is the answer. */
  readonly leave: boolean;
  readonly signal: AbortSignal;
}

/** Stands in answers about a file of a repository. */
export const commitHeader = 'x-repo-commit';
const longestChain = 10;
const redirects = new Set([301, 302, 303, 307, 308]);

/**
 * Sends a request and follows its redirects.
 * @throws HubError, retryable, when the network fails; the signal's reason when it aborts
 */
export async function request(http: HubHttp, wanted: HubRequest): Promise<HubResponse> {
  const { origin } = new URL(http.endpoint);
  const token = http.token();
  let url = new URL(wanted.url);
  let own: HubResponse['own'] | undefined;
  for (let hop = 0; hop < longestChain; hop++) {
    const isOwn = url.origin === origin;
    const idle = idleTimer(http.idleMilliseconds, wanted.signal);
    const response = await send(http, url, wanted, isOwn ? token : undefined, isOwn, idle);
    if (isOwn && !own?.headers.has(commitHeader)) own = { headers: response.headers, status: response.status };
    const location = redirects.has(response.status) ? response.headers.get('location') : null;
    const target = location === null ? null : resolveLocation(location, url);
    if (target && (wanted.leave || target.origin === origin)) {
      idle.close();
      url = target;
      continue;
    }
    return {
      own: own!,
      status: response.status,
      headers: response.headers,
      body: () => chunks(response, wanted.name, url, idle, wanted.signal),
      close: idle.close,
    };
  }
  throw new HubError(`${wanted.url} redirects more than ${longestChain} times`);
}

async function send(
  { outgoing }: HubHttp,
  url: URL,
  { method, name, headers, ownHeaders, signal }: HubRequest,
  token: string | undefined,
  isOwn: boolean,
  idle: IdleTimer,
): Promise<OutgoingResponse> {
  try {
    idle.touch();
    return await outgoing.request(url, {
      method,
      headers: {
        ...headers,
        ...(isOwn && ownHeaders),
        // the file's own bytes, which size and hash are of
        'accept-encoding': 'identity',
        'user-agent': 'rungraph',
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
      signal: idle.signal,
    });
  } catch (error) {
    idle.close();
    throw networkError(name, url, error, idle, signal);
  }
}

async function* chunks(
  response: OutgoingResponse,
  name: string,
  url: URL,
  idle: IdleTimer,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void> {
  try {
    for await (const chunk of response.body) {
      idle.touch();
      yield chunk;
    }
  } catch (error) {
    throw networkError(name, url, error, idle, signal);
  } finally {
    idle.close();
  }
}

function resolveLocation(location: string, from: URL): URL {
  if (!URL.canParse(location, from.href))
    throw new HubError(`${from.host} redirects to ${JSON.stringify(location)}, which is no URL`);
  const target = new URL(location, from.href);
  const allowed = from.protocol === 'https:' ? ['https:'] : ['http:', 'https:'];
  if (!allowed.includes(target.protocol)) {
    throw new HubError(`${from.host} redirects to ${target.protocol}//${target.host}, which is not followed`);
  }
  return target;
}

function networkError(name: string, url: URL, error: unknown, idle: IdleTimer, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  if (error instanceof OutgoingRefusedError) return new HubError(`${name} cannot be fetched: ${error.message}`);
  const what = idle.expired
    ? 'sent nothing for too long'
    : messageOf(error) || String((error as { code?: string }).code);
  // the path may carry a signature, so only the host is named
  return new HubError(`${name} cannot be fetched: ${url.host}: ${what}`, { retryable: true });
}

interface IdleTimer {
  readonly signal: AbortSignal;
  readonly expired: boolean;
  /** Starts the time anew. */
  touch(): void;
  /** Ends the request. */
  close(): void;
}

/** A signal that aborts when nothing has touched it for a while, or with `outer`. */
function idleTimer(milliseconds: number, outer: AbortSignal): IdleTimer {
  const controller = new AbortController();
  let expired = false;
  let timer: NodeJS.Timeout | undefined;
  const abort = () => controller.abort();
  outer.addEventListener('abort', abort, { once: true });
  if (outer.aborted) abort();
  return {
    signal: controller.signal,
    get expired() {
      return expired;
    },
    touch() {
      clearTimeout(timer);
      timer = setTimeout(() => {
        expired = true;
        abort();
      }, milliseconds);
    },
    close() {
      clearTimeout(timer);
      outer.removeEventListener('abort', abort);
      abort();
    },
  };
}
