import { useState } from 'react';

/**
 * Keys for writes that must happen once: the same input has the same key until it is done, so that sending it again after an answer was
 * lost does not make a second one; other input has another key.
 */
export interface IdempotencyKeys {
  readonly keyFor: (input: unknown) => string;
  readonly done: () => void;
}

export function createIdempotencyKeys(): IdempotencyKeys {
  let pending: { readonly input: string; readonly key: string } | null = null;
  return {
    keyFor(input) {
      const text = JSON.stringify(input);
      if (pending?.input !== text) pending = { input: text, key: randomKey() };
      return pending.key;
    },
    done() {
      pending = null;
    },
  };
}

/** The keys of a form. */
export function useIdempotencyKey(): IdempotencyKeys {
  return useState(createIdempotencyKeys)[0];
}

/** A fresh key. Not `crypto.randomUUID`, which browsers have over HTTPS only. */
function randomKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
