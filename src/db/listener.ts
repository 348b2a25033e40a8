import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { connectionOptions } from './connection.ts';

/** One pinned connection that LISTENs for everybody in the process and comes back by itself. */
export interface Listener {
  /** Calls `callback` with the payload of every NOTIFY on `channel`, until the returned function is called. */
  listen(channel: string, callback: (payload: string) => void): () => void;
  /** Calls `callback` after the connection was away and listens again: notifications in between are lost. */
  onReconnect(callback: () => void): () => void;
  /** Whether it has a connection that listens now. */
  readonly connected: boolean;
  /** Settles once every channel asked for so far is listened to. Waits while the database is away. */
  ready(): Promise<void>;
  close(): Promise<void>;
}

const firstDelay = 50;
const longestDelay = 5_000;

/** Starts connecting at once and retries until closed, waiting 50 ms first and up to 5 s later. */
export function createListener(url: string): Listener {
  const { schema: _, ...connection } = connectionOptions(url);
  const callbacks = new Map<string, Set<(payload: string) => void>>();
  const reconnected = new Set<() => void>();
  const closing = new AbortController();
  /** What the connection listens to now. */
  let listening = new Set<string>();
  let client: pg.Client | undefined;
  /** LISTEN and UNLISTEN in the order they were asked for; never rejects. */
  let work: Promise<void> = connect(false);

  async function connect(again: boolean): Promise<void> {
    for (let delay = firstDelay; !closing.signal.aborted; delay = Math.min(2 * delay, longestDelay)) {
      const candidate = new pg.Client(connection);
      let broken = false;
      const onEnd = () => {
        if (!broken && client === candidate) {
          client = undefined;
          if (!closing.signal.aborted) work = work.then(() => connect(true));
        }
        broken = true;
      };
      candidate.on('error', onEnd);
      candidate.on('end', onEnd);
      candidate.on('notification', ({ channel, payload }) => {
        for (const callback of [...(callbacks.get(channel) ?? [])]) callback(payload ?? '');
      });
      try {
        await candidate.connect();
        const channels = [...callbacks.keys()];
        for (const channel of channels) await candidate.query(`listen ${pg.escapeIdentifier(channel)}`);
        if (broken) continue;
        client = candidate;
        listening = new Set(channels);
        if (again) for (const callback of [...reconnected]) callback();
        return;
      } catch {
        await candidate.end().catch(() => {});
      }
      await sleep(delay, undefined, { signal: closing.signal }).catch(() => {});
    }
  }

  /** Brings the connection in line with `callbacks`. A failure ends the connection, and the next one starts in line. */
  function align(channel: string): void {
    work = work.then(async () => {
      const wanted = callbacks.has(channel);
      if (!client || wanted === listening.has(channel)) return;
      try {
        await client.query(`${wanted ? 'listen' : 'unlisten'} ${pg.escapeIdentifier(channel)}`);
        if (wanted) listening.add(channel);
        else listening.delete(channel);
      } catch {
        await client?.end().catch(() => {});
      }
    });
  }

  /** `work` grows while it is waited for: a lost connection appends its reconnection. */
  async function settled(): Promise<void> {
    for (let seen: Promise<void> | undefined; seen !== work; ) {
      seen = work;
      await seen;
    }
  }

  return {
    listen(channel, callback) {
      // A wrapper, so that the same function given twice counts twice.
      const own = (payload: string) => callback(payload);
      const existing = callbacks.get(channel);
      if (existing) existing.add(own);
      else {
        callbacks.set(channel, new Set([own]));
        align(channel);
      }
      return () => {
        const set = callbacks.get(channel);
        if (!set?.delete(own) || set.size) return;
        callbacks.delete(channel);
        align(channel);
      };
    },
    onReconnect(callback) {
      reconnected.add(callback);
      return () => reconnected.delete(callback);
    },
    get connected() {
      return client !== undefined;
    },
    ready: settled,
    async close() {
      closing.abort();
      await settled();
      await client?.end().catch(() => {});
    },
  };
}
