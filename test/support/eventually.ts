import { vi } from 'vitest';

/** Settles when the expectations hold, with what they return. Others may be at work on the machine: what never comes about is told soon enough. */
export function eventually<T>(expectations: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(expectations, { timeout: 60_000, interval: 20 });
}
