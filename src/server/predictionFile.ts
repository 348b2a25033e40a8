import { encodeHeader } from '../blobs/safetensorsWriter.ts';
import type { PredictionSet } from '../store/prediction.ts';

/**
 * A prediction set as safetensors: one tensor `probabilities` (F32, [rows, labels]); the labels, image ids, split and kind are in
 * the header's `__metadata__`, lists as JSON text.
 */
export function predictionFile(set: PredictionSet, imageIds: readonly string[], probabilities: Float32Array): Buffer {
  const header = encodeHeader(
    new Map([['probabilities', { shape: [set.rowCount, set.vocab.length], data: probabilities }]]),
    {
      id: set.id,
      runId: set.runId,
      split: set.split,
      kind: set.kind,
      vocab: JSON.stringify(set.vocab),
      image_ids: JSON.stringify(imageIds),
    },
  );
  const { buffer, byteOffset, byteLength } = probabilities;
  return Buffer.concat([header, new Uint8Array(buffer, byteOffset, byteLength)]);
}
