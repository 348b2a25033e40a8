/** The dialogs that are open now: what stands outside of the newest can neither be pressed nor is it read out. */

let open: readonly HTMLDialogElement[] = [];
const listeners = new Set<() => void>();

function change(next: readonly HTMLDialogElement[]): void {
  open = next;
  for (const listener of listeners) listener();
}

export const dialogs = {
  /** The newest, which is above all others; null: none is open. */
  top: () => open.at(-1) ?? null,
  listen(onChange: () => void): () => void {
    listeners.add(onChange);
    return () => listeners.delete(onChange);
  },
  /** Notes one that is open, until the function that it gives is called. */
  note(dialog: HTMLDialogElement): () => void {
    change([...open, dialog]);
    return () => change(open.filter((other) => other !== dialog));
  },
};
