import { paletteSize, seriesColour } from '../../charts/colours.ts';

/** Colour and dashes by place: the same run looks the same on every chart and in the list. */
export function lookOf(place: number): { readonly colour: string; readonly dashed: boolean } {
  return { colour: seriesColour(place), dashed: Math.floor(place / paletteSize) % 2 === 1 };
}
