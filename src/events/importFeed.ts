/** The import of one data set as a stream. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '../db/database.ts';
import type { Listener } from '../db/listener.ts';
import { missing, refuse } from '../errors.ts';
import { type Dataset, findDataset } from '../store/dataset.ts';
import { persist } from './persist.ts';

/** Channel of data set ids: their import has moved on. */
export const importChannel = 'dataset_import';
/** Milliseconds after which a data set is looked at unasked: a notification may be lost. */
const pollMs = 2_000;

export interface ImportFeed {
  /**
   * The data set now, and whenever its import has moved on; ends with the import, or when the data set is deleted. A slow reader
   * gets the newest state only, and waits while the database is away. `return()` settles also while `next()` waits.
   * @throws UserInputError NOT_FOUND on `id`
   */
  subscribe(datasetId: string): Promise<AsyncIterableIterator<Dataset>>;
}

export function createImportFeed(db: Pick<Database, 'prisma'>, listener: Pick<Listener, 'listen'>): ImportFeed {
  return {
    async subscribe(id) {
      const find = () => findDataset(db.prisma, { id });
      const closing = new AbortController();
      if (!(await persist(find, closing.signal))) throw refuse('NOT_FOUND', missing('data set', id), ['id']);
      let moved = new AbortController();
      const stopListening = listener.listen(importChannel, (moving) => {
        if (moving === id) moved.abort();
      });
      const close = () => {
        closing.abort();
        stopListening();
      };
      let last: string | undefined;
      const iterator: AsyncIterableIterator<Dataset> = {
        async next() {
          while (!closing.signal.aborted) {
            moved = new AbortController();
            const dataset = await persist(find, closing.signal, Number.POSITIVE_INFINITY);
            if (!dataset) break;
            const { status, importAttempt, importProgress, failure } = dataset;
            const state = JSON.stringify({ status, importAttempt, importProgress, failure });
            if (state !== last) {
              last = state;
              if (status !== 'IMPORTING') close();
              return { done: false, value: dataset };
            }
            const signal = AbortSignal.any([moved.signal, closing.signal]);
            await sleep(pollMs, undefined, { signal, ref: false }).catch(() => {});
          }
          close();
          return { done: true, value: undefined };
        },
        async return() {
          close();
          return { done: true, value: undefined };
        },
        [Symbol.asyncIterator]: () => iterator,
      };
      return iterator;
    },
  };
}
