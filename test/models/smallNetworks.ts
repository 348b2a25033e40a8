/** The smallest member of every family, its weights random enough that every one of them matters. */

import { type Architecture, findArchitecture } from '../../src/domain/architecture.ts';
import { createRandom } from '../../src/domain/random.ts';
import { sizeOf } from '../../src/domain/shape.ts';
import type { Size } from '../../src/domain/size.ts';
import type { Model } from '../../src/models/model.ts';
import type { InitialWeights } from '../../src/models/weights.ts';

export interface SmallNetwork {
  readonly architecture: Architecture;
  readonly size: Size;
}

/** By family; sizes that make windows pad and shift. */
export const smallNetworks: readonly SmallNetwork[] = [
  {
    architecture: cut('convnext_atto', { dims: [8, 12, 16, 20], depths: [1, 1, 2, 1] }),
    size: { height: 64, width: 48 },
  },
  { architecture: cut('vit_tiny_patch16_224', { depth: 2, dim: 24, heads: 3 }), size: { height: 48, width: 32 } },
  {
    architecture: cut('swin_tiny_patch4_window7_224', { depths: [2, 2, 2, 1], dim: 12, heads: [2, 2, 4, 4] }),
    size: { height: 224, width: 224 },
  },
  {
    architecture: cut('swinv2_tiny_window8_256', { depths: [2, 2, 2, 1], dim: 12, heads: [2, 2, 4, 4] }),
    size: { height: 256, width: 256 },
  },
];

/** An architecture of the catalogue with other numbers. */
function cut(name: string, sizes: object): Architecture {
  const architecture = findArchitecture(name);
  if (!architecture) throw new Error(`there is no ${name}`);
  return { ...architecture, ...sizes } as Architecture;
}

/** Normal around 1 (scales and variances, never below 0.5) or 0. */
export function randomWeights({ parameters, buffers }: Model, seed: number): InitialWeights {
  return new Map(
    [...parameters, ...buffers].map(({ name, shape }) => {
      const random = createRandom(seed, name);
      const isScale = shape.length === 1 && /(weight|running_var|gamma)$/.test(name);
      const spread = isScale ? 0.1 : 0.3 / Math.sqrt(shape.length > 1 ? sizeOf(shape) / shape[0]! / 8 : 1);
      const values = new Float32Array(sizeOf(shape)).map(() => spread * random.normal() + (isScale ? 1 : 0));
      return [name, isScale ? values.map((value) => Math.max(0.5, value)) : values];
    }),
  );
}
