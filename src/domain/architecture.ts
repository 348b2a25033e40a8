/** The catalogue of architectures: timm's names and numbers, as data. What they compute lives in models/. */

import type { Size } from './size.ts';

interface ArchitectureBase {
  /** The name of the recipe's time (timm 0.6): `convnext_tiny_in22k`. */
  readonly name: string;
  /** Today's names of the same network: `convnext_tiny`, `convnext_tiny.fb_in22k`. */
  readonly aliases: readonly string[];
  /** Parameters of the backbone, without classifier or head. */
  readonly parameters: number;
  /** 10^9 multiply-accumulates of one image at the default size, without classifier. */
  readonly gmacs: number;
  readonly defaultSize: Size;
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
  /** timm's tag of the pretrained weights. */
  readonly pretrainedTag: string;
}

export interface ConvNeXtArchitecture extends ArchitectureBase {
  readonly family: 'convnext';
  /** Blocks per stage. */
  readonly depths: readonly [number, number, number, number];
  /** Channels per stage. */
  readonly dims: readonly [number, number, number, number];
  /** MLP weights stored as 1x1 convolutions (atto to nano); same arithmetic. */
  readonly convMlp: boolean;
}

export interface VitArchitecture extends ArchitectureBase {
  readonly family: 'vit';
  readonly depth: number;
  readonly dim: number;
  readonly heads: number;
  readonly patch: number;
}

/** What Swin and SwinV2 are both described by. */
interface WindowedArchitecture extends ArchitectureBase {
  /** Blocks per stage. */
  readonly depths: readonly [number, number, number, number];
  /** Channels of the first stage; each next one has twice as many. */
  readonly dim: number;
  /** Attention heads per stage. */
  readonly heads: readonly [number, number, number, number];
  /** Side of the attention windows in tokens; a stage with a smaller map takes the map. */
  readonly window: number;
  readonly patch: number;
  /** Probability that training drops a branch of the last block; it rises to it linearly from 0 in the first. */
  readonly dropPath: number;
}

export interface SwinArchitecture extends WindowedArchitecture {
  readonly family: 'swin';
}

export interface SwinV2Architecture extends WindowedArchitecture {
  readonly family: 'swinv2';
  /** Per stage: the window whose relative positions the weights were trained on; 0: its own. */
  readonly pretrainedWindows: readonly [number, number, number, number];
}

export type Architecture = ConvNeXtArchitecture | VitArchitecture | SwinArchitecture | SwinV2Architecture;

const imagenet = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } as const;
const half = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] } as const;
const size224 = { height: 224, width: 224 };

function convnext(
  name: string,
  pretrainedTag: string,
  depths: readonly [number, number, number, number],
  dims: readonly [number, number, number, number],
  convMlp: boolean,
  parameters: number,
  gmacs: number,
): ConvNeXtArchitecture {
  const modern = name.replace(/_in22k$/, '');
  const aliases = [...(modern === name ? [] : [modern]), `${modern}.${pretrainedTag}`];
  return {
    family: 'convnext',
    name,
    aliases,
    pretrainedTag,
    depths,
    dims,
    convMlp,
    parameters,
    gmacs,
    defaultSize: size224,
    ...imagenet,
  };
}

function vit(
  name: string,
  pretrainedTag: string,
  depth: number,
  dim: number,
  heads: number,
  parameters: number,
  gmacs: number,
): VitArchitecture {
  return {
    family: 'vit',
    name,
    aliases: [`${name}.${pretrainedTag}`],
    pretrainedTag,
    depth,
    dim,
    heads,
    patch: 16,
    parameters,
    gmacs,
    defaultSize: size224,
    ...half,
  };
}

/** Heads are 32 channels wide. timm's models of both families train with drop-path 0.1 unless told otherwise. */
function windowed(
  name: string,
  tag: string,
  middle: number,
  dim: number,
  window: number,
  side: number,
): Omit<WindowedArchitecture, 'parameters' | 'gmacs'> {
  const modern = name.replace(/_22k$/, '');
  const heads = dim / 32;
  return {
    name,
    aliases: [...(modern === name ? [] : [modern]), `${modern}.${tag}`],
    pretrainedTag: tag,
    depths: [2, 2, middle, 2],
    dim,
    heads: [heads, 2 * heads, 4 * heads, 8 * heads],
    window,
    patch: 4,
    dropPath: 0.1,
    defaultSize: { height: side, width: side },
    ...imagenet,
  };
}

function swin(
  size: string,
  tag: string,
  middle: number,
  dim: number,
  parameters: number,
  gmacs: number,
): SwinArchitecture {
  const name = `swin_${size}_patch4_window7_224`;
  return { family: 'swin', ...windowed(name, tag, middle, dim, 7, 224), parameters, gmacs };
}

function swinv2(
  name: string,
  tag: string,
  middle: number,
  dim: number,
  [window, side]: readonly [number, number],
  parameters: number,
  gmacs: number,
): SwinV2Architecture {
  return {
    family: 'swinv2',
    ...windowed(name, tag, middle, dim, window, side),
    pretrainedWindows: [0, 0, 0, 0],
    parameters,
    gmacs,
  };
}

/** Measured with timm itself: the fixture tables/architectures.json. */
export const architectures: readonly Architecture[] = [
  convnext('convnext_atto', 'd2_in1k', [2, 2, 6, 2], [40, 80, 160, 320], true, 3374520, 0.547),
  convnext('convnext_femto', 'd1_in1k', [2, 2, 6, 2], [48, 96, 192, 384], true, 4832784, 0.7792),
  convnext('convnext_pico', 'd1_in1k', [2, 2, 6, 2], [64, 128, 256, 512], true, 8532672, 1.3665),
  convnext('convnext_nano', 'in12k_ft_in1k', [2, 2, 8, 2], [80, 160, 320, 640], true, 14952560, 2.4449),
  convnext('convnext_tiny_in22k', 'fb_in22k', [3, 3, 9, 3], [96, 192, 384, 768], false, 27820128, 4.4548),
  convnext('convnext_small_in22k', 'fb_in22k', [3, 3, 27, 3], [96, 192, 384, 768], false, 49454688, 8.6829),
  convnext('convnext_base_in22k', 'fb_in22k', [3, 3, 27, 3], [128, 256, 512, 1024], false, 87566464, 15.3537),
  convnext('convnext_large_in22k', 'fb_in22k', [3, 3, 27, 3], [192, 384, 768, 1536], false, 196230336, 34.3599),
  convnext('convnext_xlarge_in22k', 'fb_in22k', [3, 3, 27, 3], [256, 512, 1024, 2048], false, 348147968, 60.919),
  vit('vit_tiny_patch16_224', 'augreg_in21k_ft_in1k', 12, 192, 3, 5524416, 1.2535),
  vit('vit_small_patch16_224', 'augreg_in21k_ft_in1k', 12, 384, 6, 21665664, 4.5985),
  vit('vit_base_patch16_224', 'augreg2_in21k_ft_in1k', 12, 768, 12, 85798656, 17.5631),
  vit('vit_large_patch16_224', 'augreg_in21k_ft_in1k', 24, 1024, 16, 303301632, 61.5537),
  swin('tiny', 'ms_in1k', 6, 96, 27519354, 4.4898),
  swin('small', 'ms_in22k_ft_in1k', 18, 96, 48837258, 8.7401),
  swin('base', 'ms_in22k_ft_in1k', 18, 128, 86743224, 15.4299),
  swin('large', 'ms_in22k_ft_in1k', 18, 192, 194995476, 34.4742),
  swinv2('swinv2_tiny_window8_256', 'ms_in1k', 6, 96, [8, 256], 27578154, 5.9389),
  swinv2('swinv2_small_window8_256', 'ms_in1k', 18, 96, [8, 256], 48959418, 11.5451),
  swinv2('swinv2_base_window12_192_22k', 'ms_in22k', 18, 128, [12, 192], 86893816, 11.8552),
  swinv2('swinv2_base_window8_256', 'ms_in1k', 18, 128, [8, 256], 86893816, 20.3241),
  swinv2('swinv2_large_window12_192_22k', 'ms_in22k', 18, 192, [12, 192], 195202932, 26.1004),
];

/** The architecture of a name or alias, or undefined. */
export function findArchitecture(name: string): Architecture | undefined {
  return architectures.find((a) => a.name === name || a.aliases.includes(name));
}

/** What timm calls the network today: `convnext_tiny` for `convnext_tiny_in22k`. */
export function timmName({ aliases, name, pretrainedTag }: Architecture): string {
  const tagged = aliases.find((alias) => alias.endsWith(`.${pretrainedTag}`));
  return tagged?.slice(0, -pretrainedTag.length - 1) ?? name;
}
