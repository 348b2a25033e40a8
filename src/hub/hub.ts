/** Weights from the Hugging Face hub, through its cache on this machine. */

import type { HubConfig } from '../config.ts';
import { formatHubReference, type HubReference } from '../domain/hubReference.ts';
import { messageOf } from '../errors.ts';
import { acquireLock, type LockFile, LockHeldError } from '../locks/lockFile.ts';
import { createOutgoing } from '../outgoing/outgoing.ts';
import { isCommit, repositoryCache, sizeIfThere } from './cache.ts';
import { download, FileChangedError } from './download.ts';
import { HubError } from './errors.ts';
import type { HubHttp } from './http.ts';
import { withRetries } from './retry.ts';
import { type HubTiming, usualTiming } from './timing.ts';
import { readToken } from './token.ts';
import { type FileVersion, fetchVersion, type HubFile } from './version.ts';

/** The token is sent to the endpoint's own host only; never logged, never part of a message. `offline`: answers from the cache only. */
export interface HubOptions extends HubConfig {
  readonly timing?: HubTiming;
}

export interface FetchOptions {
  /** Aborts; what was received stays for the next time. */
  readonly signal: AbortSignal;
  /** Bytes that are there, of all. */
  readonly onProgress?: (received: number, size: number) => void;
  /** Sentences for a log: what is downloaded, waited for, taken from the cache. */
  readonly note?: (line: string) => void;
}

export interface Hub {
  /**
   * Path of the file in the cache, downloaded unless it is there. Without a file in the reference: the repository's weights.
   * @throws HubError; the signal's reason when it aborts
   */
  fetch(reference: HubReference, options: FetchOptions): Promise<string>;
  /**
   * Asks once, without downloading, whether `fetch` would find the file.
   * @throws HubError when it would not; the signal's reason when it aborts
   */
  check(reference: HubReference, options: Pick<FetchOptions, 'signal'>): Promise<void>;
}

/** What a repository calls its weights, best first. */
export const weightsFileNames = ['model.safetensors', 'pytorch_model.bin'] as const;

/** Contents of one file that may follow each other while it is downloaded. */
const changesLimit = 3;

/** A hub and its cache on this machine. */
export function createHub(options: HubOptions): Hub {
  const { endpoint, cacheDirectory, offline, timing = usualTiming } = options;
  const http: HubHttp = {
    endpoint,
    // read anew for each request: a login counts at once
    token: () => options.token ?? readToken(options.tokenFile),
    outgoing: createOutgoing(options.hosts),
    idleMilliseconds: timing.idleMilliseconds,
  };
  return {
    fetch: (reference, options) =>
      withCache(options.signal, () => inTurn(reference, (wanted) => fetchFile(wanted, options))),
    check: (reference, { signal }) => withCache(signal, () => inTurn(reference, (wanted) => checkFile(wanted, signal))),
  };

  /** Failures of the cache's folder (no space, no permission) are the hub's, too. */
  async function withCache<T>(signal: AbortSignal, action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      if (signal.aborted || (error as NodeJS.ErrnoException).syscall === undefined) throw error;
      throw new HubError(
        `the cache ${cacheDirectory} cannot be used: ${messageOf(error)}; HF_HOME or HF_HUB_CACHE name another folder`,
      );
    }
  }

  /** Does it with the reference's file; without one, with the first of the names of weights that is there. */
  async function inTurn<T>(reference: HubReference, action: (wanted: HubFile) => Promise<T>): Promise<T> {
    const { file } = reference;
    if (file !== null) return action({ ...reference, file });
    for (const name of weightsFileNames) {
      try {
        return await action({ ...reference, file: name });
      } catch (error) {
        if (!(error instanceof HubError) || !error.missingFile) throw error;
      }
    }
    const where = offline ? `the cache ${cacheDirectory}, and HF_HUB_OFFLINE is set` : endpoint;
    throw new HubError(`${formatHubReference(reference)} has neither ${weightsFileNames.join(' nor ')} in ${where}`);
  }

  async function fetchFile(wanted: HubFile, options: FetchOptions): Promise<string> {
    const { repository, revision, file } = wanted;
    const cache = repositoryCache(cacheDirectory, repository);
    const cached = await cache.find(revision, file);
    if (cached !== undefined && (offline || isCommit(revision))) return cached;
    if (offline) throw notInCache(wanted);
    for (let change = 1; ; change++) {
      const version = await versionOf(wanted, options, cached !== undefined);
      if (!version) return cached!;
      try {
        if (!(await isThere(version))) await downloadOnce(wanted, version, options);
        return await cache.link({ ...version, revision, file });
      } catch (error) {
        if (!(error instanceof FileChangedError) || change === changesLimit) throw error;
      }
    }

    async function isThere({ etag, size }: FileVersion): Promise<boolean> {
      return (await sizeIfThere(cache.blob(etag))) === size;
    }

    /** Whoever comes while the same content is on its way waits for it. */
    async function downloadOnce(wanted: HubFile, version: FileVersion, options: FetchOptions): Promise<void> {
      const { signal, note = () => {}, onProgress = () => {} } = options;
      const lock = await takeTurn(cache.lock(version.etag), signal, note);
      try {
        if (await isThere(version)) return;
        note(
          `downloading ${formatHubReference(wanted)} (${describeSize(version.size)}) from ${new URL(endpoint).host}`,
        );
        await download(wanted, version, { http, timing, cache, signal, onProgress, note });
        note(`downloaded ${formatHubReference(wanted)}`);
      } finally {
        await lock.release();
      }
    }
  }

  async function checkFile(wanted: HubFile, signal: AbortSignal): Promise<void> {
    const { repository, revision, file } = wanted;
    if ((await repositoryCache(cacheDirectory, repository).find(revision, file)) !== undefined) return;
    if (offline) throw notInCache(wanted);
    await fetchVersion(http, wanted, signal);
  }

  function notInCache(wanted: HubFile): HubError {
    const message = `${formatHubReference(wanted)} is not in the cache ${cacheDirectory}, and HF_HUB_OFFLINE is set`;
    return new HubError(message, { missingFile: true });
  }

  /** What the hub has; undefined when it cannot be asked and the cached file will do. */
  async function versionOf(
    wanted: HubFile,
    { signal, note }: FetchOptions,
    isCached: boolean,
  ): Promise<FileVersion | undefined> {
    try {
      const tries = isCached ? 1 : timing.tries;
      return await withRetries({ ...timing, tries }, signal, () => fetchVersion(http, wanted, signal), { note });
    } catch (error) {
      if (!isCached || !(error instanceof HubError) || !error.retryable) throw error;
      note?.(`the hub cannot be asked (${error.message}): taking ${formatHubReference(wanted)} from the cache`);
      return undefined;
    }
  }
}

async function takeTurn(file: string, signal: AbortSignal, note: (line: string) => void): Promise<LockFile> {
  try {
    return await acquireLock(file, 0, signal);
  } catch (error) {
    if (!(error instanceof LockHeldError)) throw error;
    note(`waiting for process ${error.pid}, which is downloading the same file`);
    return acquireLock(file, Number.POSITIVE_INFINITY, signal);
  }
}

function describeSize(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
