/** The marks that tell the leaf classes apart, drawn on a blade in its own frame. */

import type { Random } from '../domain/random.ts';
import { at, type Blade, between, bladeOutline, blob, css, type Hsl, polyline, px, repeat } from './leafShapes.ts';

export const leafClasses = ['bacterial_streak', 'brown_spot', 'healthy', 'leaf_blast', 'tungro'] as const;
export type LeafClass = (typeof leafClasses)[number];

/** What lies on top of the veins, by class; tungro discolours the tissue between them instead. */
export function lesions(label: LeafClass, blade: Blade, random: Random): string {
  switch (label) {
    case 'bacterial_streak':
      return repeat(20 + random.integer(18), () => streak(blade, random));
    case 'brown_spot':
      return repeat(16 + random.integer(18), () => roundSpot(blade, random));
    case 'leaf_blast':
      return repeat(7 + random.integer(6), () => diamond(blade, random));
    case 'healthy':
    case 'tungro':
      return '';
  }
}

/** A narrow, wet-looking amber line between two veins, following the blade's bend. */
function streak(blade: Blade, random: Random): string {
  const across = between(random, -0.88, 0.88);
  const start = between(random, -0.85, 0.7);
  const length = between(random, 0.12, 0.4);
  const line = polyline(blade, across, start, start + length, 5);
  const thickness = between(random, 3.2, 6.5);
  const tone: Hsl = {
    hue: between(random, 24, 36),
    saturation: between(random, 70, 86),
    lightness: between(random, 46, 56),
  };
  return (
    `<path d="${line}" fill="none" stroke="hsl(42 60% 60%)" stroke-opacity="0.35" stroke-width="${px(thickness * 1.6)}" stroke-linecap="round"/>` +
    `<path d="${line}" fill="none" stroke="${css(tone)}" stroke-opacity="0.88" stroke-width="${px(thickness)}" stroke-linecap="round"/>`
  );
}

/** A round brown spot in a yellow halo, with a paler heart when it is large. */
function roundSpot(blade: Blade, random: Random): string {
  const { x, y } = at(blade, between(random, -0.85, 0.85), between(random, -0.88, 0.88));
  const radius = between(random, 5, 11);
  const tone = deadTissue(random);
  const heart = { ...tone, lightness: tone.lightness + 16 };
  return (
    `<path d="${blob(x, y, radius * 1.5, radius * 1.5, random)}" fill="hsl(50 60% 54%)" fill-opacity="0.4"/>` +
    `<path d="${blob(x, y, radius, radius, random)}" fill="${css(tone)}" fill-opacity="0.92"/>` +
    (radius > 6.5 ? `<path d="${blob(x, y, radius * 0.4, radius * 0.4, random)}" fill="${css(heart)}"/>` : '')
  );
}

/** A spindle with points along the axis: ash-grey inside a dark border. */
function diamond(blade: Blade, random: Random): string {
  const along = between(random, -0.8, 0.8);
  const { x, y, angle } = at(blade, along, between(random, -0.75, 0.75));
  const length = between(random, 20, 36);
  const breadth = length * between(random, 0.26, 0.42);
  const grey: Hsl = { hue: 45, saturation: between(random, 8, 24), lightness: between(random, 62, 80) };
  const spindle = (l: number, b: number) =>
    `M0 ${px(-l)}L${px(b * 0.8)} ${px(-l * 0.28)}Q${px(b * 1.1)} 0 ${px(b * 0.8)} ${px(l * 0.28)}L0 ${px(l)}` +
    `L${px(-b * 0.8)} ${px(l * 0.28)}Q${px(-b * 1.1)} 0 ${px(-b * 0.8)} ${px(-l * 0.28)}Z`;
  return (
    `<g transform="translate(${px(x)} ${px(y)}) rotate(${px(angle + between(random, -8, 8))})">` +
    `<path d="${spindle(length * 1.15, breadth * 1.35)}" fill="hsl(48 62% 54%)" fill-opacity="0.4"/>` +
    `<path d="${spindle(length, breadth)}" fill="${css(deadTissue(random))}" fill-opacity="0.95"/>` +
    `<path d="${spindle(length * 0.76, breadth * 0.68)}" fill="${css(grey)}"/></g>`
  );
}

/** Yellow and pale patches all over the blade, lengthened between the veins, and yellowed margins. */
export function mottling(blade: Blade, green: Hsl, random: Random): string {
  const pale: Hsl = {
    hue: between(random, 50, 60),
    saturation: between(random, 55, 75),
    lightness: Math.min(green.lightness + between(random, 18, 26), 68),
  };
  const dark: Hsl = { ...green, lightness: green.lightness - 9 };
  const patch = (tone: Hsl, opacity: number) => {
    const { x, y, angle } = at(blade, between(random, -0.95, 0.95), between(random, -1, 1));
    const size = between(random, 8, 19);
    return `<path d="${blob(0, 0, size, size * between(random, 1.2, 2.2), random)}" transform="translate(${px(x)} ${px(y)}) rotate(${px(angle)})" fill="${css(tone)}" fill-opacity="${opacity}"/>`;
  };
  return (
    repeat(20 + random.integer(14), () => patch(dark, 0.55)) +
    repeat(16 + random.integer(14), () => patch(pale, 0.6)) +
    `<path d="${bladeOutline(blade)}" fill="none" stroke="${css(pale)}" stroke-width="${px(between(random, 9, 20))}" stroke-opacity="0.55"/>`
  );
}

/** The dark brown of dead tissue. */
export function deadTissue(random: Random): Hsl {
  return { hue: between(random, 12, 28), saturation: between(random, 36, 58), lightness: between(random, 16, 28) };
}
