/** A trained network as an ONNX model that predicts. */

import * as tf from '@tensorflow/tfjs-core';
import type { TensorSpec, Tensors } from '../engine/engine.ts';
import { encodeModelInPieces } from '../engine/graph/onnx.ts';
import { portableGraph, portableVersions } from '../engine/graph/portable.ts';
import { trace } from '../engine/graph/trace.ts';
import { version } from '../version.ts';
import { describeModel, type SavedModelInfo } from './savedMetadata.ts';
import type { SavedModel } from './savedModel.ts';

/** ONNX's own operators only. */
const target = { nchwcBlock: 0, contrib: false };

/**
 * The bytes, in pieces, of a model that takes `images` [batch, 3, height, width], float32 RGB in 0..1, and gives `probabilities` and `logits`
 * [batch, labels]. Normalisation and weights are inside; what was trained and how to prepare a picture is in the metadata.
 */
export function onnxModel({
  info,
  model,
  read,
}: Pick<SavedModel, 'info' | 'model' | 'read'>): AsyncGenerator<Uint8Array> {
  const { height, width } = info.size;
  const { mean, std } = info.architecture;
  const entries = [...model.parameters.filter((p) => p.used), ...model.buffers];
  const specs = Object.fromEntries(entries.map(({ name, shape }): [string, TensorSpec] => [name, { shape }]));
  const predict = ({ images, ...tensors }: Tensors): Tensors => {
    const pixels = images!
      .transpose([0, 2, 3, 1])
      .sub(tf.tensor1d([...mean]))
      .div(tf.tensor1d([...std]));
    const { logits } = model.forward(tensors, pixels);
    return { probabilities: tf.softmax(logits), logits };
  };
  const graph = portableGraph(
    (batch) => trace(predict, { images: { shape: [batch, 3, height, width] }, ...specs }, target),
    'images',
  );
  const options = {
    versions: portableVersions,
    batch: 'batch',
    producerVersion: version,
    description: description(info),
    metadata: { ...describeModel(info), input: 'images', preprocessing: preprocessing(info) },
  };
  return encodeModelInPieces(graph, options, new Set(Object.keys(specs)), read);
}

function description({ architecture, size, vocab, runId }: SavedModelInfo): string {
  return (
    `${architecture.name} with ${vocab.length} labels, trained by run ${runId}. Input images: float32 [batch, 3, ${size.height}, ` +
    `${size.width}], RGB in 0..1 (pixel / 255), not normalised: that is inside. Outputs probabilities and logits: float32 [batch, ` +
    `${vocab.length}], columns as in the metadata's "vocab". The metadata's "preprocessing" says how pictures were prepared.`
  );
}

/** What training and prediction do to a picture before the network sees it. */
function preprocessing({ itemTransform: { size: item, method }, size }: SavedModelInfo): string {
  const to = `${item.height}x${item.width} (height x width)`;
  const first = {
    CROP: `take the largest centred part of the picture with the aspect of ${to}, resize it to that`,
    SQUISH: `resize the whole picture to ${to}`,
    PAD: `resize the picture so that it fits into ${to}, fill the rest by reflection`,
  }[method];
  return [
    `1. ${first}, as Pillow's BILINEAR does`,
    '2. take the largest centred square',
    `3. resize it to ${size.height}x${size.width}: bilinear, corners aligned, averaged over areas first when it is more than twice as large`,
    '4. divide by 255',
  ].join('; ');
}
