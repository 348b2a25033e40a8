/** The numbers a run reports. */

import { argmaxRow } from '../ensembles/labels.ts';

/** Exponential mean of the micro-batch losses with its bias from the start removed; lives as long as one fit. */
export interface SmoothedLoss {
  /** NaN before the first loss. */
  readonly value: number;
  readonly state: SmoothedLossState;
  /** Takes a loss and returns the smoothed value. */
  add(loss: number): number;
}

/** What a smoothed loss goes on from. */
export interface SmoothedLossState {
  /** With the bias from the start. */
  readonly mean: number;
  /** Losses taken. */
  readonly count: number;
}

export function createSmoothedLoss(from: SmoothedLossState = { mean: 0, count: 0 }, beta = 0.98): SmoothedLoss {
  let { mean, count } = from;
  const value = () => mean / (1 - beta ** count);
  return {
    get value() {
      return value();
    },
    get state() {
      return { mean, count };
    },
    add(loss) {
      mean = beta * mean + (1 - beta) * loss;
      count++;
      return value();
    },
  };
}

/** Row-wise softmax of logits [rows, classes]. */
export function softmaxRows(logits: Float32Array, classes: number): Float32Array {
  const result = new Float32Array(logits.length);
  for (let start = 0; start < logits.length; start += classes) {
    const row = logits.subarray(start, start + classes);
    const largest = row.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
    let sum = 0;
    for (const value of row) sum += Math.exp(value - largest);
    for (let i = 0; i < classes; i++) result[start + i] = Math.exp(row[i]! - largest) / sum;
  }
  return result;
}

/** Loss and error rate of a pass over a labelled set, mean over samples. */
export interface Evaluation {
  readonly loss: number;
  readonly errorRate: number;
  readonly accuracy: number;
}

export interface Evaluator {
  add(logits: Float32Array, labels: Int32Array): void;
  result(): Evaluation;
}

export function createEvaluator(classes: number): Evaluator {
  let loss = 0;
  let correct = 0;
  let count = 0;
  return {
    add(logits, labels) {
      labels.forEach((label, row) => {
        loss += crossEntropyOfRow(logits, row, classes, label);
        if (argmaxRow(logits, row, classes) === label) correct++;
      });
      count += labels.length;
    },
    result: () => ({ loss: loss / count, errorRate: (count - correct) / count, accuracy: correct / count }),
  };
}

/** -ln softmax(row)[label], in float64. */
function crossEntropyOfRow(logits: Float32Array, row: number, classes: number, label: number): number {
  const values = logits.subarray(row * classes, (row + 1) * classes);
  const largest = values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  let sum = 0;
  for (const value of values) sum += Math.exp(value - largest);
  return Math.log(sum) + largest - values[label]!;
}
