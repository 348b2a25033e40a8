import { resolveColour } from './colours.ts';
import type { HeatmapLayout } from './heatmapLayout.ts';

export interface HeatmapCell {
  /** 0 (nothing) to 1. */
  readonly shade: number;
  /** Written into the cell where there is room; said by screen readers. */
  readonly text: string;
  /** `bad`: what should not be, such as images taken for another class. */
  readonly tone?: 'plain' | 'bad';
}

/** Paints a matrix with the labels of its rows and columns. */
export function paintHeatmap(
  context: CanvasRenderingContext2D,
  layout: HeatmapLayout,
  rows: readonly string[],
  columns: readonly string[],
  cellAt: (row: number, column: number) => HeatmapCell,
): void {
  const { cell, left, top } = layout;
  paintLabels(context, layout, rows, columns);
  const colours = { plain: resolveColour('var(--accent)'), bad: resolveColour('var(--bad)') };
  const ink = resolveColour('var(--ink)');
  const reversed = resolveColour('var(--surface)');
  context.font = `${cell < 32 ? 10 : 12}px "Plex Mono", monospace`;
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  rows.forEach((_row, y) => {
    columns.forEach((_column, x) => {
      const { shade, text, tone = 'plain' } = cellAt(y, x);
      if (shade <= 0) return;
      const opacity = 0.1 + 0.9 * Math.min(shade, 1);
      context.globalAlpha = opacity;
      context.fillStyle = colours[tone];
      context.fillRect(left + x * cell, top + y * cell, cell, cell);
      context.globalAlpha = 1;
      if (text.length * 7 > cell || cell < 18) return;
      context.fillStyle = opacity > 0.6 ? reversed : ink;
      context.fillText(text, left + (x + 0.5) * cell, top + (y + 0.5) * cell);
    });
  });
  paintGrid(context, layout, rows.length, columns.length);
}

function paintLabels(
  context: CanvasRenderingContext2D,
  { cell, left, top, upright, stride }: HeatmapLayout,
  rows: readonly string[],
  columns: readonly string[],
): void {
  context.font = '11px "Plex Sans", sans-serif';
  context.fillStyle = resolveColour('var(--muted)');
  context.textBaseline = 'middle';
  context.textAlign = 'right';
  rows.forEach((label, row) => {
    if (row % stride === 0) context.fillText(cut(context, label, left - 8), left - 6, top + (row + 0.5) * cell);
  });
  columns.forEach((label, column) => {
    if (column % stride !== 0) return;
    context.save();
    context.translate(left + (column + 0.5) * cell, top - 6);
    if (upright) context.rotate(-Math.PI / 2);
    context.textAlign = upright ? 'left' : 'center';
    context.textBaseline = upright ? 'middle' : 'bottom';
    context.fillText(cut(context, label, upright ? top - 8 : cell), 0, 0);
    context.restore();
  });
}

function paintGrid(context: CanvasRenderingContext2D, layout: HeatmapLayout, rows: number, columns: number): void {
  const { cell, left, top } = layout;
  context.strokeStyle = resolveColour('var(--line)');
  context.lineWidth = 1;
  context.beginPath();
  for (let row = 0; row <= rows; row++) {
    if (cell < 14 && row !== 0 && row !== rows) continue;
    context.moveTo(left, top + row * cell + 0.5);
    context.lineTo(left + columns * cell, top + row * cell + 0.5);
  }
  for (let column = 0; column <= columns; column++) {
    if (cell < 14 && column !== 0 && column !== columns) continue;
    context.moveTo(left + column * cell + 0.5, top);
    context.lineTo(left + column * cell + 0.5, top + rows * cell);
  }
  context.stroke();
}

/** A text cut to a width, with an ellipsis. */
function cut(context: CanvasRenderingContext2D, text: string, width: number): string {
  if (context.measureText(text).width <= width) return text;
  const letters = [...text];
  while (letters.length > 1 && context.measureText(`${letters.join('')}…`).width > width) letters.pop();
  return `${letters.join('')}…`;
}
