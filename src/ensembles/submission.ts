/** The competition's CSV. */

import { stringify } from 'csv-stringify/sync';
import type { ProbabilityTable } from './combine.ts';
import { predictedLabels } from './labels.ts';

/** `image_id,label` and one line per row in the table's order; LF line ends, cells quoted only where CSV needs it. */
export function submissionCsv(table: ProbabilityTable): string {
  const labels = predictedLabels(table);
  return stringify([['image_id', 'label'], ...table.imageIds.map((imageId, row) => [imageId, labels[row]])], {
    record_delimiter: '\n',
  });
}
