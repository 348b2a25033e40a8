/** Run events as streams: everything after a cursor from the log, then what comes, without a gap and without a duplicate. */

import type { Database } from '../db/database.ts';
import type { Listener } from '../db/listener.ts';
import type { RunEventKind } from '../domain/runEvent.ts';
import type { EventScope } from '../store/event.ts';
import { parseCursor } from './positions.ts';
import { type RunEventBatch, streamEvents } from './stream.ts';
import { Topic } from './topic.ts';
import { runEventChannel } from './waker.ts';

export type SubscribeOptions = EventScope & {
  /** Cursor of a batch or event received before; null: from the first event. */
  readonly after?: string | null | undefined;
  /** Only these. */
  readonly kinds?: readonly RunEventKind[] | null | undefined;
  /**
   * Batches per second at most, with PROGRESS, MEMORY and METRICS coalesced; only EPOCH, STATUS and PREDICTIONS come at
   * once. Left out: every event as it was stored, as soon as it is known.
   */
  readonly maxStepRateHz?: number | null | undefined;
};

export interface RunEventHub {
  /**
   * The stream of one run ends after its last event; that of an experiment never. An empty batch is a heartbeat.
   * Throws UserInputError on path ['after'] for a cursor that is none, and NOT_FOUND from the first `next()` for an unknown run.
   */
  subscribe(options: SubscribeOptions): AsyncIterableIterator<RunEventBatch, undefined>;
  /** What it holds in memory: all zero without subscribers. */
  usage(): HubUsage;
  /** Ends every stream. */
  close(): void;
}

export interface HubUsage {
  /** Runs and experiments that somebody follows. */
  readonly topics: number;
  readonly subscribers: number;
  /** Of them, those that wait for the next event. */
  readonly waiting: number;
  /** Events kept for subscribers that are a little behind. */
  readonly events: number;
}

export interface HubOptions {
  /** Milliseconds between looks at the log that no NOTIFY asked for: the safety net. */
  readonly pollMs?: number;
  /** Milliseconds of silence before a heartbeat. */
  readonly heartbeatMs?: number;
  /** Told once of every time that the log could not be read; subscribers wait meanwhile. */
  readonly onReadFailure?: (error: unknown) => void;
}

export function createRunEventHub(
  db: Database,
  listener: Listener,
  { pollMs = 2_000, heartbeatMs = 10_000, onReadFailure = () => {} }: HubOptions = {},
): RunEventHub {
  const topics = new Map<string, { topic: Topic; subscribers: number }>();
  const topicOf = (key: string) => topics.get(key)?.topic;

  const stopListening = listener.listen(runEventChannel, (payload) => {
    const [experimentId, runId] = payload.split(':');
    topicOf(`run ${runId}`)?.wake(runId);
    topicOf(`experiment ${experimentId}`)?.wake(runId);
  });
  const wakeAll = () => {
    for (const { topic } of topics.values()) topic.wake();
  };
  const stopReconnect = listener.onReconnect(wakeAll);
  const poll = setInterval(wakeAll, pollMs);
  poll.unref();

  /** A topic lives as long as it has subscribers. */
  function join(scope: EventScope): { topic: Topic; leave: () => void } {
    const key = scope.runId === undefined ? `experiment ${scope.experimentId}` : `run ${scope.runId}`;
    const entry = topics.get(key) ?? { topic: new Topic(db, scope, onReadFailure), subscribers: 0 };
    topics.set(key, entry);
    entry.subscribers++;
    let left = false;
    return {
      topic: entry.topic,
      leave: () => {
        if (left) return;
        left = true;
        if (--entry.subscribers > 0) return;
        topics.delete(key);
        entry.topic.close();
      },
    };
  }

  return {
    subscribe({ after, kinds, maxStepRateHz, ...scope }) {
      return streamEvents({
        db,
        join: () => join(scope),
        scope,
        after: typeof after === 'string' ? parseCursor(after) : null,
        kinds: kinds ? new Set(kinds) : null,
        pauseMs: maxStepRateHz ? 1000 / maxStepRateHz : 0,
        heartbeatMs,
      });
    },
    usage() {
      const usage = { topics: topics.size, subscribers: 0, waiting: 0, events: 0 };
      for (const { topic, subscribers } of topics.values()) {
        usage.subscribers += subscribers;
        usage.waiting += topic.usage.waiting;
        usage.events += topic.usage.events;
      }
      return usage;
    },
    close() {
      clearInterval(poll);
      stopListening();
      stopReconnect();
      for (const { topic } of topics.values()) topic.close();
    },
  };
}
