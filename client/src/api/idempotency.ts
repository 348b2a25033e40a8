import { useRef } from 'react';

/**
 * Keys for writes that must happen once: the same input has the same key until it is done, so that sending it again after an answer was
 * lost does not make a second one; other input has another key.
 */
export function useIdempotencyKey(): { readonly keyFor: (input: unknown) => string; readonly done: () => void } {
  const pending = useRef<{ readonly input: string; readonly key: string } | null>(null);
  return {
    keyFor(input) {
      const text = JSON.stringify(input);
      if (pending.current?.input !== text) pending.current = { input: text, key: randomKey() };
      return pending.current.key;
    },
    done() {
      pending.current = null;
    },
  };
}

/** A fresh key. Not `crypto.randomUUID`, which browsers have over HTTPS only. */
export function randomKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
