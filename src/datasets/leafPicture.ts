/**
 * One drawn leaf as SVG: a blade with parallel veins over a blurred background, and the lesions of one disease.
 *
 * What tells the classes apart is the shape, texture and tint of the lesions. Everything else (pose, scale, bend, green
 * of the leaf, background, dew, light) is drawn from the same distribution for every class, so mean colour says little.
 */

import type { Random } from '../domain/random.ts';
import { deadTissue, type LeafClass, lesions, mottling } from './leafLesions.ts';
import { at, type Blade, between, bladeOutline, blob, css, type Hsl, polyline, px, repeat } from './leafShapes.ts';

/** A whole picture of `width` x `height` pixels as an SVG document. */
export function leafSvg(label: LeafClass, width: number, height: number, random: Random): string {
  const long = Math.max(width, height);
  const short = Math.min(width, height);
  const blade: Blade = {
    halfLength: long * between(random, 0.56, 0.76),
    halfWidth: short * between(random, 0.32, 0.46),
    bend: short * between(random, -0.16, 0.16),
  };
  const green: Hsl = {
    hue: between(random, 84, 124),
    saturation: between(random, 34, 56),
    lightness: between(random, 28, 44),
  };
  const angle = (width > height ? 90 : 0) + between(random, -28, 28) + (random.next() < 0.5 ? 180 : 0);
  const x = width / 2 + width * between(random, -0.1, 0.1);
  const y = height / 2 + height * between(random, -0.1, 0.1);
  const outline = bladeOutline(blade);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">`,
    `<defs><clipPath id="blade"><path d="${outline}"/></clipPath>${light(random)}</defs>`,
    background(width, height, random),
    `<g transform="translate(${px(x)} ${px(y)}) rotate(${px(angle)})">`,
    `<path d="${outline}" transform="translate(${px(between(random, -9, 9))} ${px(between(random, 3, 9))})" fill="#000" fill-opacity="0.3"/>`,
    `<path d="${outline}" fill="${css(green)}"/>`,
    `<g clip-path="url(#blade)">`,
    halves(blade, green, random),
    label === 'tungro' ? mottling(blade, green, random) : '',
    veins(blade, green, random),
    lesions(label, blade, random),
    blemishes(blade, random),
    '</g></g>',
    `<rect width="${width}" height="${height}" fill="url(#light)"/>`,
    '</svg>',
  ].join('');
}

/** Marks that any leaf may carry and that say nothing about its class: dew, dust and a dry tip. */
function blemishes(blade: Blade, random: Random): string {
  const dew = repeat(random.integer(6), () => {
    const { x, y } = at(blade, between(random, -0.8, 0.8), between(random, -0.8, 0.8));
    const radius = between(random, 2, 5);
    return (
      `<circle cx="${px(x)}" cy="${px(y)}" r="${px(radius)}" fill="#fff" fill-opacity="0.28"/>` +
      `<circle cx="${px(x - radius / 3)}" cy="${px(y - radius / 3)}" r="${px(radius / 3)}" fill="#fff" fill-opacity="0.85"/>`
    );
  });
  const dust = repeat(random.integer(14), () => {
    const { x, y } = at(blade, between(random, -0.9, 0.9), between(random, -0.9, 0.9));
    return `<circle cx="${px(x)}" cy="${px(y)}" r="${px(between(random, 0.8, 2))}" fill="${css(deadTissue(random))}" fill-opacity="0.7"/>`;
  });
  if (random.next() < 0.75) return dew + dust;
  const tip = at(blade, 1, 0);
  const size = blade.halfWidth * between(random, 0.3, 0.7);
  return `${dew}${dust}<path d="${blob(tip.x, tip.y, size, size * 1.6, random)}" fill="${css(deadTissue(random))}" fill-opacity="0.6"/>`;
}

/** One half of the blade lies in the shade of the fold. */
function halves(blade: Blade, green: Hsl, random: Random): string {
  const shade = { ...green, lightness: green.lightness + between(random, -7, 7) };
  const edge = polyline(blade, random.next() < 0.5 ? -1 : 1, 1, -1, 12).replace('M', 'L');
  return `<path d="${polyline(blade, 0, -1, 1, 12)}${edge}Z" fill="${css(shade)}"/>`;
}

/** The midrib and the parallel veins beside it. */
function veins(blade: Blade, green: Hsl, random: Random): string {
  const pale = css({ ...green, lightness: green.lightness + between(random, 8, 16) });
  const perSide = 4 + random.integer(3);
  const side = repeat(perSide, (i) => {
    const across = (i + 1) / (perSide + 1);
    return [across, -across].map((u) => polyline(blade, u, -1, 1, 10)).join('');
  });
  return (
    `<path d="${side}" fill="none" stroke="${pale}" stroke-width="1.3" stroke-opacity="0.55"/>` +
    `<path d="${polyline(blade, 0, -1, 1, 12)}" fill="none" stroke="${pale}" stroke-width="${px(between(random, 3, 6))}"/>`
  );
}

/** Soil, sky, water or other plants, out of focus. */
function background(width: number, height: number, random: Random): string {
  const scenes = [
    { hue: 28, saturation: 26, lightness: 30 },
    { hue: 205, saturation: 26, lightness: 62 },
    { hue: 108, saturation: 26, lightness: 26 },
    { hue: 220, saturation: 8, lightness: 48 },
  ];
  const scene = scenes[random.integer(scenes.length)]!;
  const tone = () =>
    css({
      hue: scene.hue + between(random, -14, 14),
      saturation: scene.saturation + between(random, -6, 6),
      lightness: scene.lightness + between(random, -10, 10),
    });
  const far = repeat(14, () => {
    const x = random.next() * width;
    const y = random.next() * height;
    return `<path d="${blob(x, y, between(random, 18, 70), between(random, 18, 70), random)}" fill="${tone()}" fill-opacity="0.5"/>`;
  });
  const stalks = repeat(random.integer(4), () => {
    const [x1, x2, bow] = [random.next() * width, random.next() * width, random.next() * width];
    return `<path d="M${px(x1)} ${height}Q${px(bow)} ${px(height / 2)} ${px(x2)} 0" fill="none" stroke="hsl(${px(between(random, 60, 120))} 36% ${px(between(random, 26, 50))}%)" stroke-width="${px(between(random, 8, 26))}" stroke-opacity="0.7"/>`;
  });
  return `<rect width="${width}" height="${height}" fill="${tone()}"/>${far}${stalks}`;
}

/** Definition of the gradient `light`: sun from one corner, shade in the opposite one. */
function light(random: Random): string {
  const angle = between(random, 0, 360);
  const bright = between(random, 0, 0.18).toFixed(2);
  const dark = between(random, 0.05, 0.3).toFixed(2);
  return (
    `<linearGradient id="light" gradientTransform="rotate(${px(angle)} 0.5 0.5)">` +
    `<stop offset="0" stop-color="#fff6d8" stop-opacity="${bright}"/><stop offset="0.5" stop-color="#888" stop-opacity="0"/>` +
    `<stop offset="1" stop-color="#06080f" stop-opacity="${dark}"/></linearGradient>`
  );
}
