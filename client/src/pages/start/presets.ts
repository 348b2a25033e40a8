import type { Preprocessing } from './draft.ts';

/** Ways to prepare images, those of the notebook first: examples/road-to-the-top has them as mutations. */
export const presets: readonly { readonly label: string; readonly preprocessing: Preprocessing }[] = [
  { label: 'Squish 480 → 224', preprocessing: { name: 'squish', method: 'SQUISH', itemSize: '480', size: '224' } },
  { label: 'Squish 480 → 192', preprocessing: { name: 'squish', method: 'SQUISH', itemSize: '480', size: '192' } },
  { label: 'Crop 640x480 → 224', preprocessing: { name: 'crop', method: 'CROP', itemSize: '640x480', size: '224' } },
  { label: 'Crop 640x480 → 192', preprocessing: { name: 'crop', method: 'CROP', itemSize: '640x480', size: '192' } },
  {
    label: 'Crop tall → 320x224',
    preprocessing: { name: 'crop tall', method: 'CROP', itemSize: '640x480', size: '320x224' },
  },
  {
    label: 'Pad tall → 320x224',
    preprocessing: { name: 'pad tall', method: 'PAD', itemSize: '640x480', size: '320x224' },
  },
  { label: 'Quick look 128 → 64', preprocessing: { name: 'quick', method: 'SQUISH', itemSize: '128', size: '64' } },
];
