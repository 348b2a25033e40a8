/** Short messages about what has just been done; the view shows them until they have been read. */

import { sentence } from '../format/sentence.ts';

export interface Toast {
  readonly id: number;
  readonly text: string;
  readonly tone: 'plain' | 'bad';
  /** Something to do about it, such as Undo. */
  readonly action?: { readonly label: string; readonly run: () => void };
}

type ToastOptions = Pick<Toast, 'action'>;

let shown: readonly Toast[] = [];
let last = 0;
const listeners = new Set<() => void>();

function change(next: readonly Toast[]): void {
  shown = next;
  for (const listener of listeners) listener();
}

function add(toast: Omit<Toast, 'id'>): void {
  last++;
  change([...shown.slice(-3), { id: last, ...toast }]);
}

export const toasts = {
  get: () => shown,
  listen(onChange: () => void): () => void {
    listeners.add(onChange);
    return () => listeners.delete(onChange);
  },
  show(text: string, options: ToastOptions = {}): void {
    add({ text, tone: 'plain', ...options });
  },
  /** Why something was not done, as the server says it. */
  refuse(message: string, options: ToastOptions = {}): void {
    add({ text: sentence(message), tone: 'bad', ...options });
  },
  hide(id: number): void {
    change(shown.filter((toast) => toast.id !== id));
  },
};
