/**
 * Loads tfjs whole, once, for its side effects: gradients, chained ops and the CPU backend. tfjs-core's own Node bundle registers
 * no gradients; the union package registers all of them into the same engine that `@tensorflow/tfjs-core` exports.
 */

import '@tensorflow/tfjs';
import { enableProdMode } from '@tensorflow/tfjs-core';

/** Only silences tfjs's advice to install tfjs-node; no check depends on it. */
enableProdMode();
