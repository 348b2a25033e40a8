/** The notebook in several sizes: which members of its four families, on how large images, for how long. */

import type { Precision } from '../../generated/graphql.ts';
import { type Size, square } from './presets.ts';

export const scaleNames = ['mini', 'small', 'base', 'full'] as const;
export type ScaleName = (typeof scaleNames)[number];

export interface Scale {
  readonly name: ScaleName;
  /** For people: what it is. */
  readonly about: string;
  readonly convnext: string;
  readonly vit: string;
  readonly swinv2: string;
  readonly swin: string;
  /** Side that images are squished to, and width that they are cropped to; the notebook's 480. */
  readonly itemSide: number;
  /** What ConvNeXt, ViT and Swin see; the notebook's 224. */
  readonly side: number;
  /** What SwinV2 sees; the notebook's 192. */
  readonly swinv2Side: number;
  /** What ConvNeXt sees the second time; the notebook's (320, 224). */
  readonly tall: Size;
  /** Epochs after the frozen one. */
  readonly epochs: number;
  readonly effectiveBatchSize: number;
  readonly precision: Precision;
  /** The first probe: one network against a budget so tight that accumulation must grow. */
  readonly tightProbe: { readonly architecture: string; readonly size: Size; readonly budgetMebibytes: number };
  /** The second: the networks of the runs against the budget of the machine that they are meant for. */
  readonly budgetMebibytes: number;
  /** What ConvNeXt sees in its second measurement; the notebook's (320, 240). */
  readonly tallProbe: Size;
}

/** The notebook's own numbers. */
const recipe = {
  itemSide: 480,
  side: 224,
  tall: { height: 320, width: 224 },
  tallProbe: { height: 320, width: 240 },
  epochs: 12,
  effectiveBatchSize: 64,
} as const;

export const scales: Readonly<Record<ScaleName, Scale>> = {
  /** 3/10 of the notebook's sizes, rounded to what the networks take. */
  mini: {
    name: 'mini',
    about: 'the smallest member of each family, images of 64 pixels, 3 + 1 epochs',
    convnext: 'convnext_atto',
    vit: 'vit_tiny_patch16_224',
    swinv2: 'swinv2_tiny_window8_256',
    swin: 'swin_tiny_patch4_window7_224',
    itemSide: 144,
    side: 64,
    swinv2Side: 64,
    tall: { height: 96, width: 64 },
    epochs: 3,
    effectiveBatchSize: 16,
    precision: 'AUTO',
    tightProbe: { architecture: 'convnext_atto', size: square(128), budgetMebibytes: 500 },
    budgetMebibytes: 1200,
    tallProbe: { height: 96, width: 72 },
  },
  small: {
    name: 'small',
    about: "small members of the families, the notebook's images, batches and epochs (SwinV2 at 256 pixels)",
    convnext: 'convnext_tiny_in22k',
    vit: 'vit_small_patch16_224',
    swinv2: 'swinv2_tiny_window8_256',
    swin: 'swin_tiny_patch4_window7_224',
    ...recipe,
    // It takes no 192.
    swinv2Side: 256,
    precision: 'AUTO',
    tightProbe: { architecture: 'convnext_tiny_in22k', size: square(128), budgetMebibytes: 2048 },
    budgetMebibytes: 4096,
  },
  base: {
    name: 'base',
    about: "the base members of the families, the notebook's images, batches and epochs",
    convnext: 'convnext_base_in22k',
    vit: 'vit_base_patch16_224',
    swinv2: 'swinv2_base_window12_192_22k',
    swin: 'swin_base_patch4_window7_224',
    ...recipe,
    swinv2Side: 192,
    precision: 'AUTO',
    tightProbe: { architecture: 'convnext_small_in22k', size: square(128), budgetMebibytes: 4096 },
    budgetMebibytes: 8192,
  },
  full: {
    name: 'full',
    about: 'the notebook: the large members of the families, in half precision',
    convnext: 'convnext_large_in22k',
    vit: 'vit_large_patch16_224',
    swinv2: 'swinv2_large_window12_192_22k',
    swin: 'swin_large_patch4_window7_224',
    ...recipe,
    swinv2Side: 192,
    // as its to_fp16()
    precision: 'FP16',
    tightProbe: { architecture: 'convnext_small_in22k', size: square(128), budgetMebibytes: 4096 },
    budgetMebibytes: 16384,
  },
};
