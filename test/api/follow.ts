/** Subscriptions as tests look at them. */

import type { Client } from 'graphql-ws';
import { expect } from 'vitest';
import { eventually } from '../support/eventually.ts';

export interface Followed<T> {
  /** What came so far. */
  readonly values: T[];
  /** Settles when enough has come. */
  until(enough: (values: T[]) => boolean): Promise<T[]>;
  /** Rejects with what the server refused. */
  readonly ended: Promise<void>;
  stop(): void;
}

/** Subscribes and keeps the values of the one field asked for. */
// biome-ignore lint/suspicious/noExplicitAny: answers are looked into field by field
export function follow<T = any>(client: Client, query: string, variables: Record<string, unknown> = {}): Followed<T> {
  const values: T[] = [];
  let stop = () => {};
  const ended = new Promise<void>((resolve, reject) => {
    stop = client.subscribe<Record<string, T>>(
      { query, variables },
      {
        next: ({ data, errors }) => {
          if (errors) reject(errors);
          else values.push(Object.values(data!)[0]!);
        },
        error: reject,
        complete: resolve,
      },
    );
  });
  ended.catch(() => {});
  return {
    values,
    ended,
    stop,
    until: async (enough) => {
      await eventually(() => expect(enough(values)).toBe(true));
      return values;
    },
  };
}

export interface Batch {
  readonly cursor: string;
  readonly events: readonly { readonly __typename: string; readonly cursor: string; readonly series?: unknown }[];
}

export const eventsOf = (batches: readonly Batch[]) => batches.flatMap(({ events }) => events);
export const typesOf = (batches: readonly Batch[]) => eventsOf(batches).map(({ __typename }) => __typename);
/** Steps of every metric point, in the order they came. */
export const stepsOf = (batches: readonly Batch[]) =>
  eventsOf(batches).flatMap(({ series = [] }) =>
    (series as { points: { step: number }[] }[]).flatMap((one) => one.points.map(({ step }) => step)),
  );
