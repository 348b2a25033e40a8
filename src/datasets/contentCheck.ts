import type { ImportProblem, ManifestImage } from '../domain/dataset.ts';
import { quote } from './quote.ts';

/** Remarks on images whose bytes occur more than once: copies, contradictory labels, test images that are training images. */
export function repeatedContent(images: readonly ManifestImage[]): ImportProblem[] {
  const first = new Map<string, ManifestImage>();
  return images.flatMap((image): ImportProblem[] => {
    const original = first.get(image.contentHash);
    if (!original) {
      first.set(image.contentHash, image);
      return [];
    }
    return [{ path: image.path, reason: remark(image, original), severity: 'WARNING' }];
  });
}

/** Remarks on images of one split whose paths differ in upper and lower case or in the form of their Unicode alone: both are taken. */
export function similarNames(images: readonly ManifestImage[]): ImportProblem[] {
  const first = new Map<string, string>();
  return images.flatMap(({ split, path }): ImportProblem[] => {
    const key = `${split} ${path.normalize('NFC').toLowerCase().normalize('NFC')}`;
    const original = first.get(key);
    if (original === undefined) {
      first.set(key, path);
      return [];
    }
    const reason = `differs from ${original} in upper and lower case or the form of its accents alone; both are taken, but a Mac or Windows would keep one`;
    return [{ path, reason, severity: 'WARNING' }];
  });
}

function remark(image: ManifestImage, original: ManifestImage): string {
  const same = `has the same bytes as ${original.path}`;
  if (image.split === 'HOLDOUT' && original.split === 'TEST') return `${same}: the label of that test image is known`;
  if (image.split !== original.split) return `${same}: a test image that is also in training`;
  if (image.label !== original.label) {
    return `${same}, but the label ${quote(image.label!)} instead of ${quote(original.label!)}`;
  }
  return image.split === 'TRAIN'
    ? `${same}: a copy may end up on the other side of the validation split`
    : `${same}: it counts twice in every score`;
}
