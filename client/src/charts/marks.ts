/** Marks of points: shapes that tell categories apart also without their colours. */

import { seriesColour } from './colours.ts';

/** SVG paths about the origin, of about the same weight as a circle of radius 1. */
const shapes = [
  'M1 0A1 1 0 1 1-1 0A1 1 0 1 1 1 0Z',
  'M-.88-.88H.88V.88H-.88Z',
  'M0-1.25 1.08.62H-1.08Z',
  'M0-1.25 1.25 0 0 1.25-1.25 0Z',
  'M0 1.25 1.08-.62H-1.08Z',
  'M-.38-1.15H.38V-.38H1.15V.38H.38V1.15H-.38V.38H-1.15V-.38H-.38Z',
  'M1.15 0 .58 1H-.58L-1.15 0-.58-1H.58Z',
  'M-1.08-.54-.54-1.08 0-.54.54-1.08 1.08-.54.54 0 1.08.54.54 1.08 0 .54-.54 1.08-1.08.54-.54 0Z',
] as const;

export interface Mark {
  /** An SVG path about the origin. */
  readonly shape: string;
  /** A CSS colour. */
  readonly colour: string;
}

/** The mark of the n-th category, counted from 0; beyond the last it begins again. */
export function markOf(category: number): Mark {
  return { shape: shapes[category % shapes.length]!, colour: seriesColour(category) };
}
