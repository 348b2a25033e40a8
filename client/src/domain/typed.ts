/** What people type into a field, and values as they would have typed them. */

export interface Size {
  readonly height: number;
  readonly width: number;
}

/** `224` or `320x240` (height x width, in pixels); null when it is neither. */
export function parseSize(text: string): Size | null {
  const match = /^\s*(\d{1,5})(?:\s*[x×*]\s*(\d{1,5}))?\s*$/i.exec(text);
  if (!match) return null;
  const height = Number(match[1]);
  return { height, width: match[2] === undefined ? height : Number(match[2]) };
}

export function sizeText({ height, width }: Size): string {
  return height === width ? String(height) : `${height}x${width}`;
}

/** Bytes per unit. */
const units: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

/** `6 GiB`, `512MiB`, `1.5 GB`: bytes, rounded; null without a unit, which could mean anything. */
export function parseBytes(text: string): number | null {
  const match = /^\s*(\d+(?:\.\d+)?|\.\d+)\s*([a-z]+)\s*$/i.exec(text);
  const unit = match && units[match[2]!.toLowerCase()];
  if (!match || !unit) return null;
  const bytes = Math.round(Number(match[1]) * unit);
  return Number.isSafeInteger(bytes) ? bytes : null;
}

/** Exactly, in the largest binary unit that has it without a remainder. */
export function bytesText(bytes: number): string {
  for (const unit of ['TiB', 'GiB', 'MiB', 'KiB'] as const) {
    const size = units[unit.toLowerCase()]!;
    if (bytes >= size && bytes % size === 0) return `${bytes / size} ${unit}`;
  }
  return `${bytes} B`;
}

/** The parts between commas, without spaces around them; empty ones are left out. */
export function parseList(text: string): readonly string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}
