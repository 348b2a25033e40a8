/** The names that parameters have in files other than today's timm, and what such files hold besides. */

/** Of an architecture; see the catalogue. */
export type Family = 'convnext' | 'vit' | 'swin' | 'swinv2';

export interface WeightLayout {
  /** For messages. */
  readonly name: string;
  /** Today's key of a file's key; null: no parameter of the backbone (a buffer, the classifier). */
  timmKey(fileKey: string): string | null;
  /** Weights of 1x1 convolutions may be stored as matrices. */
  readonly flattened: boolean;
}

/** How a file names the parameters, told from the keys it has. */
export function weightLayout(family: Family, keys: readonly string[]): WeightLayout {
  // saved from inside torch.nn.DataParallel
  const wrapped = keys.length > 0 && keys.every((key) => key.startsWith(wrapper));
  const inner = wrapped ? keys.map((key) => key.slice(wrapper.length)) : keys;
  const layout = unwrappedLayout(family, inner);
  return wrapped ? { ...layout, timmKey: (key) => layout.timmKey(key.slice(wrapper.length)) } : layout;
}

const wrapper = 'module.';

function unwrappedLayout(family: Family, keys: readonly string[]): WeightLayout {
  const has = (start: string) => keys.some((key) => key.startsWith(start));
  switch (family) {
    case 'convnext':
      return has('downsample_layers.') ? originalConvNeXt : modern(/^head\.fc\./);
    case 'vit':
      // the representation layer of the first ImageNet-21k files comes after the features
      return modern(/^(head|pre_logits)\./);
    case 'swin':
    case 'swinv2':
      // the first stage has nothing to merge before it, the last one nothing after
      return has('layers.0.downsample.') ? oldSwin : modern(swinBuffers, /^head\.fc\./);
  }
}

function modern(...dropped: readonly RegExp[]): WeightLayout {
  return {
    name: 'timm',
    timmKey: (key) => (dropped.some((pattern) => pattern.test(key)) ? null : key),
    flattened: false,
  };
}

/** Computed from the sizes, not learnt. */
const swinBuffers = /\.(relative_position_index|relative_coords_table|attn_mask)$/;

/** Swin's authors and timm before 0.9: patch merging at the end of the stage before. */
const oldSwin: WeightLayout = {
  name: 'timm before 0.9',
  timmKey(key) {
    if (swinBuffers.test(key) || key.startsWith('head.')) return null;
    return key.replace(/^layers\.(\d+)\.downsample\./, (_, stage: string) => `layers.${Number(stage) + 1}.downsample.`);
  },
  flattened: false,
};

/** ConvNeXt's authors. */
const originalConvNeXt: WeightLayout = {
  name: 'original ConvNeXt',
  timmKey(key) {
    if (key.startsWith('head.')) return null;
    return key
      .replace(/^downsample_layers\.0\./, 'stem.')
      .replace(/^stages\.(\d+)\.(\d+)\./, 'stages.$1.blocks.$2.')
      .replace(/^downsample_layers\.(\d+)\.(\d+)\./, 'stages.$1.downsample.$2.')
      .replace('.dwconv.', '.conv_dw.')
      .replace('.pwconv', '.mlp.fc')
      .replace(/^norm\./, 'head.norm.');
  },
  flattened: true,
};
