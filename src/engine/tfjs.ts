/**
 * Loads tfjs whole, once, for its side effects: gradients, chained ops and the CPU backend. tfjs-core's own Node bundle registers
 * no gradients; the union package registers all of them into the same engine that `@tensorflow/tfjs-core` exports.
 */

import '@tensorflow/tfjs';
import { enableProdMode, getBackend, setBackend } from '@tensorflow/tfjs-core';

/** Only silences tfjs's advice to install tfjs-node; no check depends on it. */
enableProdMode();

/** Makes `backend` the one that ops run on. Every backend used here starts synchronously, so it is active on return. */
export function activate(backend: string): void {
  void setBackend(backend);
  if (getBackend() !== backend) throw new Error(`The tfjs backend ${backend} does not start.`);
}
