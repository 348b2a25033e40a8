/** Test-time augmentation: the mean over augmented passes, mixed with the plain pass. */

/**
 * (1 - beta) * mean(augmented) + beta * plain, on probabilities of equal layout. Without augmented passes the plain one is
 * returned.
 */
export function combinePasses(plain: Float32Array, augmented: readonly Float32Array[], beta: number): Float32Array {
  if (!augmented.length) return plain;
  return plain.map((value, i) => {
    let sum = 0;
    for (const pass of augmented) sum += pass[i]!;
    return (1 - beta) * (sum / augmented.length) + beta * value;
  });
}
