/** Canvases that follow the width of their frame, the density of the screen and the theme. */

import { type RefObject, useEffect, useState, useSyncExternalStore } from 'react';
import { onLookChange } from './colours.ts';

/** The width of an element in CSS pixels; 0 until it is known. */
export function useWidth(element: RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => setWidth(Math.floor(entry!.contentRect.width)));
    observer.observe(element.current!);
    return () => observer.disconnect();
  }, [element]);
  return width;
}

export interface CanvasSize {
  readonly width: number;
  readonly height: number;
}

/**
 * Paints a canvas whenever its size, the theme or `paint` changes: keep `paint` the same while what it shows is. It paints in CSS
 * pixels on a clear canvas.
 */
export function useCanvas(
  canvas: RefObject<HTMLCanvasElement | null>,
  { width, height }: CanvasSize,
  paint: (context: CanvasRenderingContext2D) => void,
): void {
  const look = useLookChanges();
  // biome-ignore lint/correctness/useExhaustiveDependencies: colours are those of the theme
  useEffect(() => {
    const element = canvas.current!;
    if (width <= 0) return;
    const density = window.devicePixelRatio;
    element.width = Math.round(width * density);
    element.height = Math.round(height * density);
    const context = element.getContext('2d')!;
    context.scale(density, density);
    paint(context);
  }, [canvas, width, height, paint, look]);
}

let changes = 0;
const count = () => changes;
const listen = (onChange: () => void) =>
  onLookChange(() => {
    changes++;
    onChange();
  });

/** A number that is another after each change of the theme or its fonts. */
function useLookChanges(): number {
  return useSyncExternalStore(listen, count);
}
