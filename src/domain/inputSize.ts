/** Which input sizes an architecture takes. */

import type { Architecture, SwinV2Architecture } from './architecture.ts';
import { longestSide, type Size } from './size.ts';

/** The sides an architecture takes, height and width each by itself: those that meet every rule here. */
export interface AllowedSides {
  readonly smallest: number;
  /** 1: any. */
  readonly multipleOf: number;
  /** All of them, ascending, where the two numbers above do not tell. */
  readonly only: readonly number[] | null;
  /** The rule in words: `at least 32 pixels, a multiple of 16`. */
  readonly description: string;
}

/** As timm's model of the architecture takes them. */
export function allowedSides(architecture: Architecture): AllowedSides {
  switch (architecture.family) {
    case 'convnext':
      return simpleRule(32, 1);
    case 'vit':
      return simpleRule(2 * architecture.patch, architecture.patch);
    case 'swin':
      return simpleRule(lastStageStride(architecture), architecture.patch);
    case 'swinv2':
      return swinV2Rule(architecture);
  }
}

function simpleRule(smallest: number, multipleOf: number): AllowedSides {
  const description = `at least ${smallest} pixels${multipleOf > 1 ? `, a multiple of ${multipleOf}` : ''}`;
  return { smallest, multipleOf, only: null, description };
}

/** Pixels of a side for one token of the last stage: every stage after the first halves the map. */
function lastStageStride({ patch, depths }: { readonly patch: number; readonly depths: readonly number[] }): number {
  return patch * 2 ** (depths.length - 1);
}

/**
 * A shifted block's map must be a multiple of its window (timm builds the mask without padding); a map within the window is not
 * shifted. The last stage needs two tokens, for positions relative to each other.
 */
function swinV2Rule(architecture: SwinV2Architecture): AllowedSides {
  const { patch, window, depths } = architecture;
  const stride = lastStageStride(architecture);
  const fits = (side: number): boolean =>
    depths.map((_, stage) => side / patch / 2 ** stage).every((map) => map <= window || map % window === 0);
  const multiples = Array.from({ length: Math.floor(longestSide / stride) }, (_, i) => (i + 1) * stride);
  const only = multiples.filter((side) => side >= 2 * stride && fits(side));
  // From here on the window must divide even the last stage's map.
  const period = window * stride;
  const small = only.filter((side) => side < period);
  const description = `${small.join(', ')} or a multiple of ${period} pixels`;
  return { smallest: only[0]!, multipleOf: stride, only, description };
}

/** Why an architecture refuses an input size (a sentence for the user), or null when it takes it. */
export function sizeProblem(architecture: Architecture, { height, width }: Size): string | null {
  const sides = allowedSides(architecture);
  if (allows(sides, height) && allows(sides, width)) return null;
  const near = [below, above].map((neighbour) => `${neighbour(sides, height)}x${neighbour(sides, width)}`);
  const choices = [...new Set(near)].join(' or ');
  return `${architecture.name} takes sides of ${sides.description}, got ${height}x${width}; near it are ${choices}`;
}

function allows({ smallest, multipleOf, only }: AllowedSides, side: number): boolean {
  return only ? only.includes(side) : side >= smallest && side % multipleOf === 0;
}

/** The longest allowed side up to `side`, or the smallest there is. */
function below(sides: AllowedSides, side: number): number {
  for (let s = side; s > sides.smallest; s--) if (allows(sides, s)) return s;
  return sides.smallest;
}

/** The smallest allowed side from `side` on, or the longest there is. */
function above(sides: AllowedSides, side: number): number {
  for (let s = Math.max(side, sides.smallest); s <= longestSide; s++) if (allows(sides, s)) return s;
  return below(sides, longestSide);
}
