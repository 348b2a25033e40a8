import { expect, test } from 'vitest';
import { cpuDevice, listDevices, parseCudaDevices } from '../../src/engine/devices.ts';

// As nvidia-smi prints for --format=csv,noheader,nounits.
const gpus = [
  '0, GPU-11111111-aaaa-bbbb-cccc-000000000000, NVIDIA RTX A6000, 49140, 20345, 87, 61, 535.129.03',
  '1, GPU-22222222-aaaa-bbbb-cccc-000000000000, NVIDIA H100 80GB HBM3, 81559, 4, [N/A], [Not Supported], 535.129.03',
  '',
].join('\n');
const processes = [
  'GPU-11111111-aaaa-bbbb-cccc-000000000000, 4711, 18002',
  'GPU-11111111-aaaa-bbbb-cccc-000000000000, 4712, 2340',
  'GPU-22222222-aaaa-bbbb-cccc-000000000000, 99, [N/A]',
  '',
].join('\n');

test('GPUs and the processes on each, in bytes', () => {
  expect(parseCudaDevices(gpus, processes)).toEqual([
    {
      index: 0,
      kind: 'CUDA',
      name: 'NVIDIA RTX A6000',
      memoryTotalBytes: 49140 * 2 ** 20,
      memoryUsedBytes: 20345 * 2 ** 20,
      utilization: 0.87,
      temperature: 61,
      processes: [
        { pid: 4711, memoryBytes: 18002 * 2 ** 20 },
        { pid: 4712, memoryBytes: 2340 * 2 ** 20 },
      ],
      driver: '535.129.03',
    },
    {
      index: 1,
      kind: 'CUDA',
      name: 'NVIDIA H100 80GB HBM3',
      memoryTotalBytes: 81559 * 2 ** 20,
      memoryUsedBytes: 4 * 2 ** 20,
      utilization: null,
      temperature: null,
      processes: [],
      driver: '535.129.03',
    },
  ]);
});

test('no GPU, or what nvidia-smi says instead, is no device', () => {
  expect(parseCudaDevices('', '')).toEqual([]);
  expect(parseCudaDevices('No devices were found\n', '')).toEqual([]);
});

test('the CPU is always there, with the memory of the machine', async () => {
  const devices = await listDevices();
  expect(devices.at(-1)).toMatchObject({ index: 0, kind: 'CPU', processes: [] });
  const { memoryTotalBytes, memoryUsedBytes, utilization, name } = cpuDevice();
  expect(name).toMatch(/\(\d+ cores\)$/);
  expect(memoryUsedBytes).toBeGreaterThan(0);
  expect(memoryUsedBytes).toBeLessThan(memoryTotalBytes!);
  expect(utilization).toBeGreaterThanOrEqual(0);
  expect(utilization).toBeLessThanOrEqual(1);
});
