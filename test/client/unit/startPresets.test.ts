import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type Size, sizeText } from '../../../client/src/domain/typed.ts';
import type { Preprocessing } from '../../../client/src/pages/start/draft.ts';
import { presets } from '../../../client/src/pages/start/presets.ts';

interface Sweep {
  readonly input: {
    readonly preprocessings: readonly {
      readonly name: string;
      readonly itemTransform: { readonly size: Size; readonly method: Preprocessing['method'] };
      readonly size: Size;
    }[];
  };
}

test('every preprocessing of the notebook is a preset', () => {
  const folder = new URL('../../../examples/road-to-the-top/', import.meta.url);
  const files = readdirSync(folder).filter((name) => /^07-train-.*\.json$/.test(name));
  const used = files.flatMap((name) => {
    const { input } = JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as Sweep;
    return input.preprocessings.map(
      ({ name: called, itemTransform, size }): Preprocessing => ({
        name: called,
        method: itemTransform.method,
        itemSize: sizeText(itemTransform.size),
        size: sizeText(size),
      }),
    );
  });
  expect(used.length).toBeGreaterThan(4);
  const offered = presets.map(({ preprocessing }) => JSON.stringify(preprocessing));
  expect(used.map((one) => JSON.stringify(one)).filter((one) => !offered.includes(one))).toEqual([]);
});
