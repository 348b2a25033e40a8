/** What keeps the view from being kept up to date: subscriptions that the server has ended with an error. */

export interface RefusedSubscription {
  /** What the server said. */
  readonly message: string;
}

let noted: readonly RefusedSubscription[] = [];
const listeners = new Set<() => void>();

function change(next: readonly RefusedSubscription[]): void {
  noted = next;
  for (const listener of listeners) listener();
}

/** Adds a refusal to those that are shown, until the function that it gives is called. */
export function noteRefusal(message: string): () => void {
  const refusal = { message };
  change([...noted, refusal]);
  return () => change(noted.filter((other) => other !== refusal));
}

export const refusals = {
  get: () => noted,
  listen(onChange: () => void): () => void {
    listeners.add(onChange);
    return () => listeners.delete(onChange);
  },
};
