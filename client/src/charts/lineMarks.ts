import type uPlot from 'uplot';
import { resolveColour } from './colours.ts';

/** A horizontal line that values are compared with. */
export interface ReferenceLine {
  readonly y: number;
  readonly label: string;
}

/** A vertical line at a place of the x axis. */
export interface AxisMark {
  readonly x: number;
  readonly label: string;
}

/** Marks what is not finite with a triangle at the upper edge, in the colour of its series. */
export function paintNonFinite(plot: uPlot): void {
  const { ctx, bbox, data, series } = plot;
  const size = 5 * devicePixelRatio;
  const xs = data[0];
  const { min, max } = plot.scales.x!;
  ctx.save();
  ctx.strokeStyle = resolveColour('var(--bad)');
  ctx.lineWidth = 1.5 * devicePixelRatio;
  series.forEach(({ show, stroke }, index) => {
    if (index === 0 || !show) return;
    ctx.fillStyle = typeof stroke === 'function' ? (stroke(plot, index) as string) : '';
    data[index]!.forEach((y, place) => {
      if (y !== null || xs[place]! < min! || xs[place]! > max!) return;
      const x = plot.valToPos(xs[place]!, 'x', true);
      ctx.beginPath();
      ctx.moveTo(x - size, bbox.top);
      ctx.lineTo(x + size, bbox.top);
      ctx.lineTo(x, bbox.top + 2 * size);
      ctx.closePath();
      ctx.fill();
      ctx.stroke();
    });
  });
  ctx.restore();
}

/** Dashed lines with what they are written above, each at its place on the y axis. */
export function paintReferences(plot: uPlot, lines: readonly ReferenceLine[]): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.strokeStyle = resolveColour('var(--warn)');
  ctx.fillStyle = ctx.strokeStyle;
  ctx.lineWidth = 1.5 * devicePixelRatio;
  ctx.setLineDash([8 * devicePixelRatio, 4 * devicePixelRatio]);
  ctx.font = `${11 * devicePixelRatio}px "Plex Sans", sans-serif`;
  ctx.textAlign = 'left';
  ctx.textBaseline = 'alphabetic';
  for (const { y, label } of lines) {
    const top = plot.valToPos(y, 'y', true);
    if (!(top >= bbox.top && top <= bbox.top + bbox.height)) continue;
    ctx.beginPath();
    ctx.moveTo(bbox.left, top);
    ctx.lineTo(bbox.left + bbox.width, top);
    ctx.stroke();
    // Above the line, unless that is beyond the plot.
    const above = top - bbox.top > 16 * devicePixelRatio;
    ctx.fillText(label, bbox.left + 6 * devicePixelRatio, top + (above ? -4 : 13) * devicePixelRatio);
  }
  ctx.restore();
}

/** Thin vertical lines with their titles beside their upper ends; a title for which there is no room before the next line is left out. */
export function paintMarks(plot: uPlot, marks: readonly AxisMark[]): void {
  const { ctx, bbox } = plot;
  const right = bbox.left + bbox.width;
  const gap = 4 * devicePixelRatio;
  const places = marks
    .map(({ x, label }) => ({ label, left: Math.round(plot.valToPos(x, 'x', true)) }))
    .filter(({ left }) => left >= bbox.left && left <= right);
  ctx.save();
  ctx.strokeStyle = resolveColour('var(--line-strong)');
  ctx.fillStyle = resolveColour('var(--muted)');
  ctx.lineWidth = devicePixelRatio;
  ctx.font = `${11 * devicePixelRatio}px "Plex Sans", sans-serif`;
  ctx.textBaseline = 'top';
  places.forEach(({ label, left }, index) => {
    ctx.beginPath();
    ctx.moveTo(left, bbox.top);
    ctx.lineTo(left, bbox.top + bbox.height);
    ctx.stroke();
    const needed = ctx.measureText(label).width + 2 * gap;
    const before = places[index - 1]?.left ?? bbox.left;
    const room = (places[index + 1]?.left ?? right) - left;
    // At the right edge the title stands on the other side, where that of the line before may be, too.
    if (room >= needed) fillTitle('left', left + gap);
    else if (index === places.length - 1 && left - before >= 2 * needed) fillTitle('right', left - gap);

    function fillTitle(align: CanvasTextAlign, at: number) {
      ctx.textAlign = align;
      ctx.fillText(label, at, bbox.top + gap);
    }
  });
  ctx.restore();
}
