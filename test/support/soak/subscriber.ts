/** A client that follows an experiment through every loss of its connection, by cursor. */

import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { isAway } from './installation.ts';

const query = `subscription ($id: ID!, $after: String) {
  experimentEvents(experimentId: $id, after: $after, maxStepRateHz: null) {
    cursor
    events {
      __typename runId at
      ... on RunStatusChanged { status attempt }
      ... on EpochCompleted { epoch { index errorRate } }
      ... on MetricsLogged { series { name points { step value { value } } } }
      ... on PredictionsStored { predictions { id } }
      ... on LogLine { line }
    }
  }
}`;

interface Point {
  readonly step: number;
  /** Null where it is not finite. */
  readonly value: { readonly value: number | null };
}

export interface SeenEvent {
  readonly __typename: string;
  readonly runId: string;
  readonly at: string;
  readonly status?: string;
  readonly attempt?: number;
  readonly epoch?: { readonly index: number };
  readonly series?: readonly { readonly name: string; readonly points: readonly Point[] }[];
  readonly predictions?: { readonly id: string } | null;
  readonly line?: string;
}

type Errors = readonly { readonly extensions?: { readonly code?: string } }[];

class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly errors: Errors;

  constructor(errors: Errors) {
    super(JSON.stringify(errors));
    this.errors = errors;
  }
}

export class Subscriber {
  /** What it was told, by run, in order. */
  readonly events = new Map<string, SeenEvent[]>();
  connections = 0;
  /** What it was answered besides events. */
  readonly refusals: string[] = [];
  #lastSeenAt = 0;
  #stopped = false;
  #cursor: string | null = null;
  readonly #following: Promise<void>;

  constructor(serverUrl: string, experimentId: string) {
    this.#following = this.#follow(`${serverUrl.replace('http', 'ws')}/graphql`, experimentId);
  }

  /** When it last heard something (performance.now()). */
  get lastSeenAt(): number {
    return this.#lastSeenAt;
  }

  count(): number {
    return [...this.events.values()].reduce((sum, events) => sum + events.length, 0);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#following;
  }

  async #follow(url: string, id: string): Promise<void> {
    while (!this.#stopped) {
      await this.#listen(url, id).catch((error: unknown) => {
        // A close event is what a kill makes of a connection, and one may come while the database is away; anything else is told.
        const errors = error instanceof Refusal ? error.errors : Array.isArray(error) ? error : [];
        if (!isAway(errors)) this.refusals.push(JSON.stringify(errors));
      });
      if (!this.#stopped) await sleep(100);
    }
  }

  /** Until the connection is lost. */
  async #listen(url: string, id: string): Promise<void> {
    const client = createClient({ url, webSocketImpl: WebSocket, retryAttempts: 0, lazyCloseTimeout: 0 });
    const variables = { id, after: this.#cursor };
    const timer = setInterval(() => {
      if (this.#stopped) void client.dispose();
    }, 50);
    this.connections++;
    try {
      for await (const { data, errors } of client.iterate<{
        experimentEvents: { cursor: string; events: SeenEvent[] };
      }>({ query, variables })) {
        if (errors || !data) throw new Refusal((errors ?? [{}]) as Errors);
        const { cursor, events } = data.experimentEvents;
        for (const event of events) {
          const seen = this.events.get(event.runId) ?? [];
          seen.push(event);
          this.events.set(event.runId, seen);
        }
        this.#cursor = cursor;
        this.#lastSeenAt = performance.now();
      }
    } finally {
      clearInterval(timer);
      await client.dispose();
    }
  }
}
