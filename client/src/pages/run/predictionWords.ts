/** How many times test-time augmentation looked at each image. */
export function passesWords(passes: number): string {
  return passes === 1 ? '1 augmented pass' : `${passes} augmented passes`;
}
