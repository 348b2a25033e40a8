/**
 * Selected rows, kept with the present step of the browser's history: who comes back to it, from a comparison say, finds them selected, and so
 * does a reload. The link does not tell of them: a selection is nobody else's.
 */

import type { TableRow } from './rows.ts';

type Selection = ReadonlyMap<string, TableRow>;

/** More rows are not kept: browsers limit what a step may hold. */
const mostKept = 1000;

export function keptSelection(): Selection {
  return new Map((stepState().selected ?? []).map((row) => [row.key, row]));
}

export function keepSelection(selection: Selection): void {
  const { selected: before, ...others } = stepState();
  if (selection.size === 0 && !before) return;
  const selected = selection.size <= mostKept ? [...selection.values()] : [];
  try {
    history.replaceState({ ...others, selected }, '');
  } catch {
    // So much, or so often, is more than this browser lets: they are selected all the same.
  }
}

function stepState(): { readonly selected?: readonly TableRow[] } {
  return (history.state ?? {}) as { readonly selected?: readonly TableRow[] };
}
