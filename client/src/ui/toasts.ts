/** Short messages about what has just been done; the view shows them until they have been read. */

export interface Toast {
  readonly id: number;
  readonly text: string;
  readonly tone: 'plain' | 'bad';
  /** Something to do about it, such as Undo. */
  readonly action?: { readonly label: string; readonly run: () => void };
}

let shown: readonly Toast[] = [];
let last = 0;
const listeners = new Set<() => void>();

function change(next: readonly Toast[]): void {
  shown = next;
  for (const listener of listeners) listener();
}

export const toasts = {
  get: () => shown,
  listen(onChange: () => void): () => void {
    listeners.add(onChange);
    return () => listeners.delete(onChange);
  },
  show(text: string, options: { readonly tone?: 'bad'; readonly action?: Toast['action'] } = {}): void {
    last++;
    change([
      ...shown.slice(-3),
      { id: last, text, tone: options.tone ?? 'plain', ...(options.action && { action: options.action }) },
    ]);
  },
  hide(id: number): void {
    change(shown.filter((toast) => toast.id !== id));
  },
};
