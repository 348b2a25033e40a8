/**
 * Maps the values of an async iterable; a result of null is left out. `return()` goes straight to the source, so it settles
 * while `next()` still waits: that of an async generator would wait for the next value, which after a disconnect never comes.
 * @param map gets a signal that aborts when nobody waits for its result any more
 */
export function mapAsync<In, Out>(
  source: AsyncIterable<In>,
  map: (value: In, signal: AbortSignal) => Out | null | Promise<Out | null>,
): AsyncIterableIterator<Out> {
  const iterator = source[Symbol.asyncIterator]();
  const ending = new AbortController();
  const end = async (): Promise<IteratorReturnResult<undefined>> => {
    ending.abort();
    await iterator.return?.();
    return { done: true, value: undefined };
  };
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      while (!ending.signal.aborted) {
        try {
          const step = await iterator.next();
          if (step.done) return { done: true, value: undefined };
          const value = await map(step.value, ending.signal);
          if (value !== null) return { done: false, value };
        } catch (error) {
          await end(); // Who gets an error does not call `return()`.
          throw error;
        }
      }
      return { done: true, value: undefined };
    },
    return: end,
  };
}

/** `first`, then what the source gives; it is asked for values only after. */
export function startWith<T>(first: T, source: AsyncIterableIterator<T>): AsyncIterableIterator<T> {
  let started = false;
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    next: async () => {
      if (started) return source.next();
      started = true;
      return { done: false, value: first };
    },
    return: async () => source.return?.() ?? { done: true, value: undefined },
  };
}
