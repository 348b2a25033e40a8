/** Every engine that models and the learner are tested on. */

import type { Engine } from '../../src/engine/engine.ts';
import { temporaryEngine } from './temporaryEngine.ts';

export const engines: readonly { readonly name: string; readonly create: () => Promise<Engine> }[] = [
  { name: 'tfjs-cpu', create: temporaryEngine },
];
