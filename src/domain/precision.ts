/**
 * What matrix products and convolutions round their operands and results to. Their sums, every other operation and all state are float32
 * throughout; what is scaled against the narrow range of FP16 is up to the training step.
 */
export type Precision = 'FP32' | 'FP16' | 'BF16';
