import { stringify } from 'csv-stringify/sync';
import { argmaxRow } from '../../ensembles/labels.ts';

export interface PredictedTable {
  readonly imageIds: readonly string[];
  readonly vocab: readonly string[];
  /** [images, labels] */
  readonly probabilities: Float32Array;
}

/** `image_id,label,confidence`, with `all` also a column for every label. LF line ends, cells quoted only where CSV needs it. */
export function predictionCsv({ imageIds, vocab, probabilities }: PredictedTable, all: boolean): string {
  const columns = vocab.length;
  const rows = imageIds.map((imageId, row) => {
    const values = probabilities.subarray(row * columns, (row + 1) * columns);
    const best = argmaxRow(values, 0, columns);
    return [imageId, vocab[best]!, values[best]!, ...(all ? values : [])].map(String);
  });
  const header = ['image_id', 'label', 'confidence', ...(all ? vocab : [])];
  return stringify([header, ...rows], { record_delimiter: '\n' });
}
