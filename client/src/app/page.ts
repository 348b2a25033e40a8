import { type ComponentType, type LazyExoticComponent, lazy } from 'react';

/** The code of a page did not arrive: the server is away, or it is another version by now. */
export class PageLoadError extends Error {
  override readonly name = 'PageLoadError';
}

const loads: (() => Promise<unknown>)[] = [];

/**
 * A page whose code is fetched when it is first shown, or before that by `fetchPages`.
 * @param pick the page among what its module exports
 */
export function page<Module, Props>(
  load: () => Promise<Module>,
  pick: (module: Module) => ComponentType<Props>,
): LazyExoticComponent<ComponentType<Props>> {
  loads.push(load);
  return lazy(async () => {
    try {
      return { default: pick(await load()) };
    } catch (error) {
      throw new PageLoadError('The code of this page could not be loaded', { cause: error });
    }
  });
}

/** Milliseconds for which the first view has the network to itself. */
const headStart = 3_000;

/** Fetches the code of all pages, one after another, once there is nothing else to do: links are followed at once then, also while the server is away. */
export async function fetchPages(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, headStart));
  for (const load of loads) {
    await quiet();
    // What does not arrive now is fetched when it is needed.
    await load().catch(() => {});
  }
}

/** Not every browser tells. */
function quiet(): Promise<unknown> {
  return new Promise((resolve) => {
    if (typeof requestIdleCallback === 'function') requestIdleCallback(resolve);
    else setTimeout(resolve, 200);
  });
}
