/** Choices of the fuzzer, all drawn from one seed: the same seed and step throw the same things. */

import { createRandom } from '../../src/domain/random.ts';

export interface Choice {
  /** From 0 to below `count`. */
  below(count: number): number;
  chance(probability: number): boolean;
  of<T>(items: readonly T[]): T;
  bytes(count: number): Buffer;
}

export function createChoice(seed: number, step: number): Choice {
  const random = createRandom(seed, `fuzz ${step}`);
  const below = (count: number) => Math.floor(random.next() * count);
  return {
    below,
    chance: (probability) => random.next() < probability,
    of: (items) => items[below(items.length)]!,
    bytes: (count) => Buffer.from(Array.from({ length: count }, () => below(256))),
  };
}

/** Flips, drops, doubles, swaps or inserts bytes, a few times. */
export function mutate(input: Buffer, choice: Choice): Buffer {
  let bytes = input;
  for (let i = 1 + choice.below(4); i > 0; i--) {
    const at = choice.below(bytes.length + 1);
    const length = choice.below(Math.min(40, bytes.length + 1));
    const [before, middle, after] = [
      bytes.subarray(0, at),
      bytes.subarray(at, at + length),
      bytes.subarray(at + length),
    ];
    switch (choice.below(6)) {
      case 0:
        bytes = Buffer.concat([
          before,
          Buffer.from([(bytes[at] ?? 0) ^ (1 << choice.below(8))]),
          bytes.subarray(at + 1),
        ]);
        break;
      case 1:
        bytes = Buffer.concat([before, after]);
        break;
      case 2:
        bytes = Buffer.concat([before, middle, middle, after]);
        break;
      case 3:
        bytes = Buffer.concat([before, choice.bytes(1 + choice.below(8)), bytes.subarray(at)]);
        break;
      case 4:
        bytes = Buffer.concat([after, middle, before]);
        break;
      default:
        bytes = Buffer.concat([before, Buffer.from(choice.of(snippets)), bytes.subarray(at)]);
    }
  }
  return bytes;
}

const snippets = [
  ...['{', '}', '(', ')', '[', ']', '"', '\\', '"""', '...', '$', '@', '!', ':', '#', '\0', '\r\n', '\u2028', '\ufeff'],
  ...[
    'null',
    'true',
    '1e400',
    '-0',
    '__typename',
    '__schema',
    'fragment',
    'on',
    '@include(if: true)',
    '\\u0000',
    '\\ud800',
  ],
  ...['é', '💥', '\u202e', '%00', '%s', "'", '--', ';', '../', '#{x}', '{{7*7}}', '__proto__', 'constructor'],
];
