import { resolveColour } from './colours.ts';
import { markOf } from './marks.ts';
import type { Place } from './nearest.ts';
import type { Scale } from './scale.ts';

/** A point where it is drawn. */
export interface PlacedPoint extends Place {
  readonly id: string;
  /** Place of its category in the legend. */
  readonly category: number;
}

export interface ScatterPicture {
  readonly width: number;
  readonly height: number;
  readonly margin: { readonly left: number; readonly right: number; readonly top: number; readonly bottom: number };
  readonly xs: Scale;
  readonly ys: Scale;
  readonly formatX: (x: number) => string;
  readonly formatY: (y: number) => string;
  readonly points: readonly PlacedPoint[];
  readonly selected: ReadonlySet<string>;
  /** A line through these places, in order. */
  readonly front: readonly Place[];
}

/** Paints axes, points, rings about those that are selected, and the front above them. */
export function paintScatter(context: CanvasRenderingContext2D, picture: ScatterPicture): void {
  paintAxes(context, picture);
  paintPoints(context, picture);
  paintFront(context, picture.front);
}

function paintAxes(context: CanvasRenderingContext2D, picture: ScatterPicture): void {
  const { width, height, margin, xs, ys, formatX, formatY } = picture;
  context.strokeStyle = resolveColour('var(--line)');
  context.fillStyle = resolveColour('var(--muted)');
  context.font = '11px "Plex Mono", monospace';
  context.beginPath();
  context.textAlign = 'center';
  context.textBaseline = 'top';
  for (const tick of xs.ticks) {
    const x = Math.round(xs.at(tick)) + 0.5;
    context.moveTo(x, margin.top);
    context.lineTo(x, height - margin.bottom + 4);
    context.fillText(formatX(tick), x, height - margin.bottom + 7);
  }
  context.textAlign = 'right';
  context.textBaseline = 'middle';
  for (const tick of ys.ticks) {
    const y = Math.round(ys.at(tick)) + 0.5;
    context.moveTo(margin.left - 4, y);
    context.lineTo(width - margin.right, y);
    context.fillText(formatY(tick), margin.left - 8, y);
  }
  context.stroke();
}

function paintFront(context: CanvasRenderingContext2D, front: readonly Place[]): void {
  context.save();
  context.strokeStyle = resolveColour('var(--ink)');
  context.lineWidth = 1.5;
  context.setLineDash([6, 3]);
  context.beginPath();
  front.forEach(({ x, y }, index) => {
    if (index === 0) context.moveTo(x, y);
    // What is reached between two points of the front is what the first of them has reached.
    else {
      context.lineTo(x, front[index - 1]!.y);
      context.lineTo(x, y);
    }
  });
  context.stroke();
  context.restore();
}

function paintPoints(context: CanvasRenderingContext2D, { points, selected }: ScatterPicture): void {
  const radius = points.length > 2000 ? 2.5 : points.length > 300 ? 3.5 : 4.5;
  const categories = new Map<number, { readonly path: Path2D; readonly unit: Path2D }>();
  const rings = new Path2D();
  for (const { id, category, x, y } of points) {
    let drawn = categories.get(category);
    if (!drawn) {
      drawn = { path: new Path2D(), unit: new Path2D(markOf(category).shape) };
      categories.set(category, drawn);
    }
    drawn.path.addPath(drawn.unit, { a: radius, d: radius, e: x, f: y });
    if (selected.has(id)) {
      rings.moveTo(x + radius + 4, y);
      rings.arc(x, y, radius + 4, 0, 2 * Math.PI);
    }
  }
  // Few points are parted by an outline, many show by their density.
  const many = points.length > 300;
  context.strokeStyle = resolveColour('var(--surface)');
  context.lineWidth = 0.75;
  for (const [category, { path }] of categories) {
    context.fillStyle = resolveColour(markOf(category).colour);
    context.globalAlpha = many ? 0.7 : 1;
    context.fill(path);
    if (!many) context.stroke(path);
  }
  context.globalAlpha = 1;
  context.strokeStyle = resolveColour('var(--ink)');
  context.lineWidth = 2;
  context.stroke(rings);
}
