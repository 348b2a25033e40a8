/** The networks of the fixtures in models/ and e2e/, from timm's constructor arguments. */

import type { Body } from '../../src/models/body.ts';
import { convnext } from '../../src/models/convnext.ts';
import { swin } from '../../src/models/swin.ts';
import { swinv2 } from '../../src/models/swinv2.ts';
import { type VitSizes, vit } from '../../src/models/vit.ts';

// biome-ignore lint/suspicious/noExplicitAny: constructor arguments as the fixture has them
type Arguments = any;

function sizeOfArguments({ img_size }: Arguments): { height: number; width: number } {
  const [height, width = height] = [img_size].flat();
  return { height, width };
}

export function vitSizes(config: Arguments): VitSizes {
  const { depth, embed_dim: dim, num_heads: heads, patch_size: patch } = config;
  return { depth, dim, heads, patch, size: sizeOfArguments(config) };
}

function swinSizes(config: Arguments, dropPath: number) {
  const { depths, embed_dim: dim, num_heads: heads, window_size: window, patch_size: patch } = config;
  return { depths, dim, heads, window, patch, dropPath, size: sizeOfArguments(config) };
}

/** A windowed network of the fixtures; `features` gives timm's `forward_features`. */
export function windowedBody(family: 'swin' | 'swinv2', config: Arguments, dropPath: number) {
  const sizes = swinSizes(config, dropPath);
  return family === 'swin' ? swin(sizes) : swinv2({ ...sizes, pretrainedWindows: config.pretrained_window_sizes });
}

export function goldenBody(family: 'convnext' | 'vit' | 'swin' | 'swinv2', config: Arguments): Body {
  switch (family) {
    case 'convnext':
      return convnext({ depths: config.depths, dims: config.dims, convMlp: config.conv_mlp ?? false });
    case 'vit':
      return vit(vitSizes(config));
    default:
      return windowedBody(family, config, config.drop_path_rate ?? 0);
  }
}
