/** Colours of the design system as canvases take them. */

const probe = document.createElement('span');
const resolved = new Map<string, string>();

/** What a CSS colour, e.g. `var(--series-1)`, is in the present theme. */
export function resolveColour(colour: string): string {
  const known = resolved.get(colour);
  if (known !== undefined) return known;
  probe.style.color = colour;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  resolved.set(colour, found);
  return found;
}

/** How many series can be told apart. */
export const paletteSize = 8;

/** The CSS colour of the n-th series, counted from 0; beyond the palette it begins again. */
export function seriesColour(index: number): string {
  return `var(--series-${(index % paletteSize) + 1})`;
}

const listeners = new Set<() => void>();

function change(): void {
  resolved.clear();
  for (const listener of listeners) listener();
}
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', change);
window.addEventListener('themechange', change);
document.fonts.addEventListener('loadingdone', change);

/** Calls back when what is painted looks otherwise: the theme has changed, here or of the system, or a font has arrived. Gives the function that ends it. */
export function onLookChange(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
