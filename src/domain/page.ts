/** Forward pages of a list ordered by a key. */

import { refuse } from '../errors.ts';

export interface PageRequest {
  /** 1 to 100. */
  readonly first: number;
  /** Cursor of the item before the page. */
  readonly after?: string | undefined;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
}

/** The page size asked for; refuses one outside 1 to `limit` on path `first`. */
export function pageSize(page: PageRequest, limit = 100): number {
  if (Number.isInteger(page.first) && page.first >= 1 && page.first <= limit) return page.first;
  throw refuse('LIMIT_EXCEEDED', `must be between 1 and ${limit}, got ${page.first}`, ['first']);
}

/** Makes the page from a query that fetched one row more than asked for: that row only tells whether there is a next page. */
export function pageOf<T>(rows: readonly T[], page: PageRequest): Page<T> {
  return {
    items: rows.slice(0, page.first),
    hasNextPage: rows.length > page.first,
    hasPreviousPage: page.after !== undefined,
  };
}
