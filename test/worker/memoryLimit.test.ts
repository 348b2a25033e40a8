import { describe, expect, it } from 'vitest';
import { describeBytes, spareMemory, tightest, workerMemoryLimit } from '../../src/worker/memoryLimit.ts';

const gibibyte = 2 ** 30;

describe("a worker's limit", () => {
  it('is what the environment says', () => {
    expect(workerMemoryLimit({ memoryLimitBytes: 123 })).toMatchObject({ bytes: 123 });
  });

  it('leaves the machine an eighth of its memory', () => {
    const { bytes } = workerMemoryLimit({ memoryLimitBytes: undefined });
    expect(bytes).toBeGreaterThan(0);
    expect(spareMemory(64 * gibibyte)).toBe(56 * gibibyte);
  });

  it('leaves a small machine 1 GiB, a tiny one half', () => {
    expect(spareMemory(4 * gibibyte)).toBe(3 * gibibyte);
    expect(spareMemory(gibibyte)).toBe(gibibyte / 2);
  });
});

it('of several limits the tightest counts', () => {
  const [a, b] = [
    { bytes: 2, name: 'a' },
    { bytes: 1, name: 'b' },
  ];
  expect(tightest(a, null, b)).toBe(b);
  expect(tightest(null, a)).toBe(a);
  expect(tightest(a, { ...a, name: 'equal' })).toBe(a);
  expect(tightest(null)).toBeNull();
});

it('bytes are told exactly and readably', () => {
  expect(describeBytes(1.5 * gibibyte)).toBe('1610612736 bytes (1536 MiB)');
});
