/**
 * One drawn leaf as SVG: a blade with parallel veins over a blurred background, and the lesions of one disease.
 *
 * What tells the classes apart is the shape, texture and tint of the lesions. Everything else (pose, scale, bend, green
 * of the leaf, background, dew, light) is drawn from the same distribution for every class, so mean colour says little.
 *
 * The blade has coordinates of its own: `along` runs from the base (-1) to the tip (1), `across` from one edge (-1) over
 * the midrib (0) to the other (1). The blade's frame (pixels, before the pose) has y along the axis.
 */

import type { Random } from '../domain/random.ts';

export const leafClasses = ['bacterial_streak', 'brown_spot', 'healthy', 'leaf_blast', 'tungro'] as const;
export type LeafClass = (typeof leafClasses)[number];

interface Blade {
  /** Pixels from the middle to either end. */
  readonly halfLength: number;
  /** Pixels from the midrib to the edge at the widest place. */
  readonly halfWidth: number;
  /** Sideways pixels by which both ends leave the straight axis. */
  readonly bend: number;
}

interface Hsl {
  readonly hue: number;
  readonly saturation: number;
  readonly lightness: number;
}

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

/** What lies on top of the veins, by class; tungro discolours the tissue between them instead. */
function lesions(label: LeafClass, blade: Blade, random: Random): string {
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
    hue: between(random, 26, 40),
    saturation: between(random, 62, 82),
    lightness: between(random, 42, 54),
  };
  return (
    `<path d="${line}" fill="none" stroke="hsl(48 62% 58%)" stroke-opacity="0.45" stroke-width="${px(thickness * 1.8)}" stroke-linecap="round"/>` +
    `<path d="${line}" fill="none" stroke="${css(tone)}" stroke-opacity="0.88" stroke-width="${px(thickness)}" stroke-linecap="round"/>`
  );
}

/** A round brown spot in a yellow halo, with a paler heart when it is large. */
function roundSpot(blade: Blade, random: Random): string {
  const { x, y } = at(blade, between(random, -0.85, 0.85), between(random, -0.88, 0.88));
  const radius = between(random, 4, 10);
  const tone = deadTissue(random);
  const heart = { ...tone, lightness: tone.lightness + 24 };
  return (
    `<path d="${blob(x, y, radius * 1.7, radius * 1.7, random)}" fill="hsl(50 68% 56%)" fill-opacity="0.5"/>` +
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
function mottling(blade: Blade, green: Hsl, random: Random): string {
  const pale: Hsl = {
    hue: between(random, 44, 56),
    saturation: between(random, 55, 75),
    lightness: Math.min(green.lightness + between(random, 14, 24), 66),
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

/** A place on the blade in its frame, with the direction of the axis there in degrees from y. */
function at(blade: Blade, along: number, across: number): { x: number; y: number; angle: number } {
  const profile = blade.halfWidth * Math.max(0, 1 - Math.abs(along) ** 2.6) ** 0.8;
  return {
    x: blade.bend * along * along + across * profile,
    y: -along * blade.halfLength,
    angle: (Math.atan2(2 * blade.bend * along, blade.halfLength) * 180) / Math.PI,
  };
}

function polyline(blade: Blade, across: number, from: number, to: number, segments: number): string {
  const points = Array.from({ length: segments + 1 }, (_, i) => {
    const { x, y } = at(blade, from + ((to - from) * i) / segments, across);
    return `${px(x)} ${px(y)}`;
  });
  return `M${points.join('L')}`;
}

function bladeOutline(blade: Blade): string {
  return `${polyline(blade, 1, -1, 1, 24)}${polyline(blade, -1, 1, -1, 24).replace('M', 'L')}Z`;
}

/** A closed, slightly uneven ellipse. */
function blob(x: number, y: number, radiusX: number, radiusY: number, random: Random): string {
  const corners = Array.from({ length: 9 }, (_, i) => {
    const angle = (i / 9) * 2 * Math.PI;
    const uneven = between(random, 0.82, 1.18);
    return [x + radiusX * uneven * Math.cos(angle), y + radiusY * uneven * Math.sin(angle)] as const;
  });
  const middle = (i: number) => {
    const [a, b] = [corners[i % 9]!, corners[(i + 1) % 9]!];
    return `${px((a[0] + b[0]) / 2)} ${px((a[1] + b[1]) / 2)}`;
  };
  const curves = corners.map((_, i) => {
    const control = corners[(i + 1) % 9]!;
    return `Q${px(control[0])} ${px(control[1])} ${middle(i + 1)}`;
  });
  return `M${middle(0)}${curves.join('')}Z`;
}

/** The dark brown of dead tissue. */
function deadTissue(random: Random): Hsl {
  return { hue: between(random, 12, 28), saturation: between(random, 36, 58), lightness: between(random, 16, 28) };
}

function css({ hue, saturation, lightness }: Hsl): string {
  return `hsl(${px(hue)} ${px(saturation)}% ${px(lightness)}%)`;
}

function between(random: Random, low: number, high: number): number {
  return low + (high - low) * random.next();
}

function repeat(count: number, draw: (index: number) => string): string {
  return Array.from({ length: count }, (_, i) => draw(i)).join('');
}

/** A number for SVG: one decimal is finer than a pixel can show. */
function px(value: number): string {
  return value.toFixed(1);
}
