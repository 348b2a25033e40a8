/** A file that a run leaves. */
export type ArtifactKind = 'CHECKPOINT' | 'WEIGHTS' | 'ONNX' | 'PREDICTIONS' | 'FILE';

/** Names of the artifacts that every trained run can have. */
export const weightsName = 'weights.safetensors';
export const onnxName = 'model.onnx';
