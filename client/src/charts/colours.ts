/** Colours of the design system as canvases take them. */

const probe = document.createElement('span');

/** What a CSS colour, e.g. `var(--series-1)`, is in the present theme. */
export function resolveColour(colour: string): string {
  probe.style.color = colour;
  document.body.append(probe);
  const resolved = getComputedStyle(probe).color;
  probe.remove();
  return resolved;
}

/** How many series can be told apart. */
export const paletteSize = 8;

/** The CSS colour of the n-th series, counted from 0; beyond the palette it begins again. */
export function seriesColour(index: number): string {
  return `var(--series-${(index % paletteSize) + 1})`;
}

/** Calls back when the theme changes, here or of the system. Gives the function that ends it. */
export function onThemeChange(listener: () => void): () => void {
  const system = matchMedia('(prefers-color-scheme: dark)');
  system.addEventListener('change', listener);
  window.addEventListener('themechange', listener);
  return () => {
    system.removeEventListener('change', listener);
    window.removeEventListener('themechange', listener);
  };
}
