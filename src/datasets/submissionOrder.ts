/** sample_submission.csv fixes which test images are predicted and in which order. */

import type { ImportProblem, ManifestImage } from '../domain/dataset.ts';
import { messageOf } from '../errors.ts';
import { readCsvTable } from './csvTable.ts';
import { quote } from './quote.ts';

const file = 'sample_submission.csv';

export interface OrderedTestImages {
  readonly images: readonly ManifestImage[];
  readonly problems: readonly ImportProblem[];
}

/**
 * The test images in the order of the rows; images without a row are left out, rows without an image reported. Without
 * the file (or with one that cannot be read, which is reported) all images in their own order.
 */
export async function orderTestImages(path: string, images: readonly ManifestImage[]): Promise<OrderedTestImages> {
  const problems: ImportProblem[] = [];
  const report = (at: string, severity: ImportProblem['severity'], reason: string) =>
    problems.push({ path: at, severity, reason });
  const table = await readCsvTable(path, ['image_id']).catch((error: unknown) => {
    report(file, 'REJECTED', `${messageOf(error)}; test images keep the order of their names`);
    return undefined;
  });
  if (!table) return { images, problems };

  for (const { line, reason } of table.refused) report(`${file}:${line}`, 'REJECTED', reason);
  const byId = new Map(images.map((image) => [image.imageId, image]));
  const firstLine = new Map<string, number>();
  const ordered: ManifestImage[] = [];
  for (const { line, values } of table.rows) {
    const id = values.get('image_id')!;
    const image = byId.get(id);
    const earlier = firstLine.get(id);
    if (earlier !== undefined)
      report(`${file}:${line}`, 'REJECTED', `lists ${quote(id)} again, as line ${earlier} does`);
    else if (image) ordered.push(image);
    else report(`${file}:${line}`, 'REJECTED', `lists ${quote(id)}, of which there is no usable test image`);
    if (earlier === undefined) firstLine.set(id, line);
  }
  for (const { imageId, path: imagePath } of images) {
    if (!firstLine.has(imageId)) report(imagePath, 'SKIPPED', `is in no row of ${file}; it will not be predicted`);
  }
  return { images: ordered, problems };
}
