import { describe, expect, test } from 'vitest';
import { parseProcStatus, portableProcessMemory, readProcessMemory, resetPeakMemory } from '../../src/engine/memory.ts';

const megabytes = (n: number) => n * 2 ** 20;

describe.skipIf(process.platform !== 'linux')('on Linux', () => {
  test('the peak keeps what was given back, until it is reset', async () => {
    const allowed = await resetPeakMemory();
    const before = await readProcessMemory();
    let block: Buffer | null = Buffer.alloc(megabytes(128), 1);
    const during = await readProcessMemory();
    expect(during.currentBytes).toBeGreaterThan(before.currentBytes + megabytes(100));
    expect(block[megabytes(100)]).toBe(1);
    block = null;
    const after = await readProcessMemory();
    // The kernel counts pages by processor and adds them up now and then.
    expect(after.peakBytes).toBeGreaterThan(during.peakBytes - megabytes(4));
    expect(after.peakBytes).toBeGreaterThanOrEqual(before.currentBytes + megabytes(100));
    // Where resetting is allowed the peak of the window starts at what is resident.
    if (allowed) expect(before.peakBytes).toBeLessThan(before.currentBytes + megabytes(100));
  });
});

test('every platform tells a current and a peak size', () => {
  const { currentBytes, peakBytes } = portableProcessMemory();
  expect(currentBytes).toBeGreaterThan(megabytes(10));
  expect(peakBytes).toBeGreaterThanOrEqual(currentBytes);
});

test('what /proc says is in bytes', () => {
  const status = 'Name:\tnode\nVmPeak:\t  900 kB\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\nThreads:\t7\n';
  expect(parseProcStatus(status)).toEqual({ currentBytes: megabytes(1), peakBytes: megabytes(2) });
  expect(parseProcStatus('Name:\tkthreadd\n')).toBeNull();
});
