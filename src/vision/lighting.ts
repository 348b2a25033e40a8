/**
 * Brightness and contrast in logit space (training-semantics 4.5): y = sigmoid((logit(x) + logit(brightness)) * contrast).
 *
 * Written as y = 1 / (1 + q) with log2 q = contrast * log2((1 - x) / x) + shift, which the kernel `normaliseLit`
 * computes for whole pixels.
 */

export interface Lighting {
  readonly contrast: number;
  /** -logit(brightness) * contrast, in base 2. */
  readonly shift: number;
}

/** undefined when brightness (0.5) and contrast (1) are neutral. */
export function lightingOf(brightness: number, contrast: number): Lighting | undefined {
  if (brightness === 0.5 && contrast === 1) return undefined;
  return { contrast, shift: -Math.log2(brightness / (1 - brightness)) * contrast };
}
