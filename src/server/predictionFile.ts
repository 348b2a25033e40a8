import type { PredictionSet } from '../store/prediction.ts';

/**
 * A prediction set as safetensors: one tensor `probabilities` (F32, [rows, labels]); the labels, image ids, split and kind are in
 * the header's `__metadata__`, lists as JSON text. Format: 8 bytes little-endian header length, JSON header padded with spaces
 * to a multiple of 8 bytes, then the data, little-endian.
 */
export function predictionFile(set: PredictionSet, imageIds: readonly string[], probabilities: Float32Array): Buffer {
  const header = JSON.stringify({
    __metadata__: {
      id: set.id,
      runId: set.runId,
      split: set.split,
      kind: set.kind,
      vocab: JSON.stringify(set.vocab),
      image_ids: JSON.stringify(imageIds),
    },
    probabilities: {
      dtype: 'F32',
      shape: [set.rowCount, set.vocab.length],
      data_offsets: [0, probabilities.byteLength],
    },
  });
  const text = Buffer.from(header);
  const padded = Math.ceil(text.length / 8) * 8;
  const file = Buffer.alloc(8 + padded + probabilities.byteLength, ' ');
  file.writeBigUInt64LE(BigInt(padded));
  text.copy(file, 8);
  for (let i = 0; i < probabilities.length; i++) file.writeFloatLE(probabilities[i]!, 8 + padded + 4 * i);
  return file;
}
