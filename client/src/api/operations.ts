/** The operations that what is on the screen was made of, for those who want to send them themselves. */

export interface NotedOperation {
  readonly document: string;
  readonly variables: unknown;
}

let noted: readonly NotedOperation[] = [];
const listeners = new Set<() => void>();

function change(next: readonly NotedOperation[]): void {
  noted = next;
  for (const listener of listeners) listener();
}

/** Adds an operation to those in use, until the function that it gives is called. */
export function noteOperation(operation: NotedOperation): () => void {
  change([...noted.filter(({ document }) => document !== operation.document), operation]);
  return () => change(noted.filter((other) => other !== operation));
}

export const notedOperations = {
  get: () => noted,
  listen(onChange: () => void): () => void {
    listeners.add(onChange);
    return () => listeners.delete(onChange);
  },
};
