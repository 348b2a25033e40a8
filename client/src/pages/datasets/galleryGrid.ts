/** Where pictures stand in rows of equal cells. */

/** Pixels, between cells. */
export const gap = 12;

/** As many cells of at least `least` pixels as a row has room for. */
export function columnsIn(width: number, least: number): number {
  return Math.max(1, Math.floor((width + gap) / (least + gap)));
}

/** Where a key leads to from a place among `total`, in rows of so many columns; null: it is none that moves, or leads out. */
export function moveTo(key: string, at: number, total: number, columns: number): number | null {
  const to = target(key, at, total, columns);
  return to === null || to < 0 || to >= total || to === at ? null : to;
}

function target(key: string, at: number, total: number, columns: number): number | null {
  switch (key) {
    case 'ArrowLeft':
      return at - 1;
    case 'ArrowRight':
      return at + 1;
    case 'ArrowUp':
      return at - columns;
    case 'ArrowDown':
      return at + columns;
    case 'PageUp':
      return Math.max(at - 4 * columns, at % columns);
    case 'PageDown':
      return Math.min(at + 4 * columns, total - 1);
    case 'Home':
      return 0;
    case 'End':
      return total - 1;
    default:
      return null;
  }
}
