/** The hold-out: labelled images that no run trains or validates on, the same for every run. */

import { createHash } from 'node:crypto';
import { countLabels, type ImportProblem, type ManifestImage } from '../domain/dataset.ts';
import { refuse } from '../errors.ts';
import { quote } from './quote.ts';

/** Which share of the training images is held out. */
export interface HoldoutDraw {
  /** In (0, 1), of every label's images. */
  readonly fraction: number;
  readonly seed: number;
}

/** A label keeps at least this many images: one to train on and one to validate with. */
const fewestLeft = 2;

/**
 * Moves a share of every label's training images to HOLDOUT: the nearest whole number, drawn by a hash of seed and bytes, so that
 * neither names nor order count and an image added later moves few others. Bytes that occur more than once stay in training: a
 * copy of what is trained on tells nothing.
 * @throws UserInputError INVALID on `holdoutFraction` when not one image can be held out
 */
export function drawHoldout(
  images: readonly ManifestImage[],
  { fraction, seed }: HoldoutDraw,
): { readonly train: ManifestImage[]; readonly holdout: ManifestImage[]; readonly problems: ImportProblem[] } {
  const copies = new Map(countLabels(images.map((image) => image.contentHash)).map((c) => [c.label, c.count]));
  const problems: ImportProblem[] = [];
  const held = new Set<ManifestImage>();
  for (const { label, count } of countLabels(images.map((image) => image.label!))) {
    const wanted = Math.min(Math.round(fraction * count), count - fewestLeft);
    const drawn = images
      .filter((image) => image.label === label && copies.get(image.contentHash) === 1)
      .map((image) => ({ image, key: drawKey(seed, image) }))
      .sort((a, b) => (a.key < b.key ? -1 : 1))
      .slice(0, Math.max(0, wanted));
    for (const { image } of drawn) held.add(image);
    if (!drawn.length) problems.push(noneHeldOut(label, count, images));
  }
  if (!held.size) {
    const message = `holds out none of ${images.length} training images; raise it or add images`;
    throw refuse('INVALID', `holdoutFraction ${fraction} ${message}`, ['holdoutFraction']);
  }
  return {
    train: images.filter((image) => !held.has(image)),
    holdout: images.filter((image) => held.has(image)).map((image) => ({ ...image, split: 'HOLDOUT' })),
    problems,
  };
}

/** The images of `holdout_images/` that can be scored fairly: of labels that are trained, and not among the training images. */
export function checkHoldout(
  holdout: readonly ManifestImage[],
  train: readonly ManifestImage[],
): { readonly images: ManifestImage[]; readonly problems: ImportProblem[] } {
  const labels = new Set(train.map((image) => image.label));
  const trained = new Map(train.map((image) => [image.contentHash, image.path]));
  const problems: ImportProblem[] = [];
  const images = holdout.filter(({ label, path, contentHash }) => {
    const twin = trained.get(contentHash);
    const reason = !labels.has(label)
      ? `there is no training image of ${quote(label!)}, so that no run could predict it; add some or leave this one out`
      : twin === undefined
        ? undefined
        : `has the same bytes as ${twin}: runs would be scored on what they trained on; remove one of the two`;
    if (reason !== undefined) problems.push({ path, reason, severity: 'REJECTED' });
    return reason === undefined;
  });
  return { images, problems };
}

function drawKey(seed: number, { contentHash }: ManifestImage): string {
  return createHash('sha256').update(`${seed}:${contentHash}`).digest('hex');
}

function noneHeldOut(label: string, count: number, images: readonly ManifestImage[]): ImportProblem {
  const { path } = images.find((image) => image.label === label)!;
  return {
    path: path.slice(0, path.lastIndexOf('/') + 1),
    reason: `none of its ${count} images is held out: at least ${fewestLeft} stay in training, and so do copies; the hold-out tells nothing about this label`,
    severity: 'WARNING',
  };
}
