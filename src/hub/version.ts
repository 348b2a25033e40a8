/** What the hub says of a file before it is downloaded. */

import type { HubReference } from '../domain/hubReference.ts';
import { HubError } from './errors.ts';
import { commitHeader, type HubHttp, type HubResponse, request } from './http.ts';
import { refuseTransient } from './retry.ts';

/** A file of a repository; see HubReference. */
export type HubFile = HubReference & { readonly file: string };

/** One content of a file. */
export interface FileVersion {
  /** Commit of the repository. */
  readonly commit: string;
  /** Names the content; for large files its SHA-256. */
  readonly etag: string;
  /** Bytes. */
  readonly size: number;
}

/** Where the hub hands the file out. */
export function fileUrl({ endpoint }: HubHttp, { repository, file }: HubFile, revision: string): string {
  return `${endpoint}/${repository}/resolve/${encodeURIComponent(revision)}/${file.split('/').map(encodeURIComponent).join('/')}`;
}

/** What messages call it, and where it was asked for. */
export function nameOf({ endpoint }: HubHttp, { repository, revision, file }: HubFile): string {
  return `${file} of ${repository}${revision === 'main' ? '' : ` at ${revision}`} (${endpoint})`;
}

/**
 * Asks which content the file has at its revision.
 * @throws HubError when there is no such file, it is not to be had without a token, or the network fails
 */
export async function fetchVersion(http: HubHttp, wanted: HubFile, signal: AbortSignal): Promise<FileVersion> {
  const url = fileUrl(http, wanted, wanted.revision);
  const response = await request(http, { method: 'HEAD', url, name: nameOf(http, wanted), leave: false, signal });
  response.close();
  requireAnswer(http, wanted, response);
  const { headers } = response.own;
  const commit = headers.get(commitHeader) ?? '';
  const etag = etagOf(headers) ?? '';
  const size = Number(headers.get('x-linked-size') ?? headers.get('content-length') ?? Number.NaN);
  if (!/^[0-9a-f]{40}$/.test(commit) || !/^(?!\.{1,2}$)[\w.-]{1,200}$/.test(etag) || !Number.isSafeInteger(size)) {
    throw new HubError(
      `${url} does not answer as the Hugging Face hub does (commit, etag and size of the file): is HF_ENDPOINT right?`,
    );
  }
  return { commit, etag, size };
}

/** The name of the content that an answer of the endpoint is about. */
export function etagOf(headers: Headers): string | undefined {
  const etag = headers.get('x-linked-etag') ?? headers.get('etag');
  return etag?.replace(/^W\//, '').replaceAll('"', '');
}

const setToken = 'set HF_TOKEN or log in with huggingface-cli';
const badToken = 'your access token (HF_TOKEN, or that of huggingface-cli) is wrong or has no access';

/** Throws unless the answer leads to the file. */
export function requireAnswer(http: HubHttp, wanted: HubFile, response: HubResponse): void {
  const { repository, revision } = wanted;
  const where = nameOf(http, wanted);
  refuseTransient(where, response);
  const { status } = response;
  if (status < 400) return;
  const code = response.own.headers.get('x-error-code');
  if (code === 'GatedRepo' || status === 403) {
    const how = http.token() === undefined ? setToken : 'the account of your access token has no access';
    throw new HubError(
      `${where} is not for everybody: accept its conditions on ${http.endpoint}/${repository} and ${how}`,
    );
  }
  if (status === 401) {
    const how = http.token() === undefined ? `if it is private, ${setToken}` : `or ${badToken}`;
    throw new HubError(`${where} was refused (401): there is no such repository, ${how}`);
  }
  if (code === 'RepoNotFound') throw new HubError(`there is no repository ${repository} on ${http.endpoint}`);
  if (code === 'RevisionNotFound') throw new HubError(`${repository} has no revision ${revision} on ${http.endpoint}`);
  if (status === 404) throw new HubError(`there is no ${where} (404)`, { missingFile: true });
  throw new HubError(`${where}: the server answers ${status}`);
}
