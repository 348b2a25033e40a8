import { describe, expect, it } from 'vitest';
import { type Architecture, architectures, findArchitecture } from '../../src/domain/architecture.ts';
import { allowedSides, sizeProblem } from '../../src/domain/inputSize.ts';

const named = (name: string): Architecture => findArchitecture(name)!;
const square = (side: number) => ({ height: side, width: side });

describe('input sizes', () => {
  it.each(architectures)('$name takes its default size', (architecture) => {
    expect(sizeProblem(architecture, architecture.defaultSize)).toBeNull();
  });

  it.each(architectures)('$name refuses exactly what its rule leaves out', (architecture) => {
    const { smallest, multipleOf, only } = allowedSides(architecture);
    for (let side = 1; side <= 600; side++) {
      const allowed = side >= smallest && side % multipleOf === 0 && (only?.includes(side) ?? true);
      expect(sizeProblem(architecture, square(side)) === null, `${side}`).toBe(allowed);
    }
  });

  // timm computes at these sizes, and at no other up to 576, when it is built with img_size
  it.each([
    ['swinv2_tiny_window8_256', [64, 128, 256, 512]],
    ['swinv2_large_window12_192_22k', [96, 192, 384]],
  ])('%s takes what timm takes', (name, sides) => {
    expect(allowedSides(named(name)).only!.filter((side) => side <= 576)).toEqual(sides);
  });

  it.each([
    ['convnext_tiny', { height: 31, width: 64 }, /sides of at least 32 pixels, got 31x64; near it are 32x64$/],
    [
      'vit_tiny_patch16_224',
      { height: 225, width: 224 },
      /a multiple of 16, got 225x224; near it are 224x224 or 240x224$/,
    ],
    ['swin_tiny_patch4_window7_224', square(30), /at least 32 pixels, a multiple of 4, got 30x30; near it are 32x32$/],
    [
      'swinv2_small_window8_256',
      { height: 192, width: 4095 },
      /takes sides of 64, 128 or a multiple of 256 pixels, got 192x4095; near it are 128x3840 or 256x4096$/,
    ],
    ['swinv2_large_window12_192_22k', { height: 4000, width: 1 }, /near it are 3840x96$/],
  ])('%s says which sizes are near', (name, size, words) => {
    expect(sizeProblem(named(name), size)).toMatch(words);
  });

  it('each side is judged by itself', () => {
    expect(sizeProblem(named('swinv2_tiny_window8_256'), { height: 64, width: 512 })).toBeNull();
    expect(sizeProblem(named('swin_tiny_patch4_window7_224'), { height: 32, width: 500 })).toBeNull();
  });
});
