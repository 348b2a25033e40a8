import { describe, expect, test } from 'vitest';
import { chooseScale } from '../../src/bin/demo/chooseScale.ts';
import { deviceReport } from '../../src/bin/demo/devices.ts';
import type { WorkerState } from '../../src/bin/demo/operations.ts';

const gibibyte = 2 ** 30;
type Device = WorkerState['devices'][number];

function device(fields: Partial<Device> = {}): Device {
  return { index: 0, name: 'a chip', kind: 'CPU', memoryTotal: 64 * gibibyte, processes: [], ...fields };
}

function worker(devices: Device[], online = true): WorkerState {
  return { host: 'here', online, devices };
}

describe('the scale that a machine allows', () => {
  test.each([
    ['mini', undefined],
    ['mini', 4],
    ['small', 7],
    ['small', 14.9],
    ['base', 15],
    ['base', 29],
    ['full', 30],
    ['full', 80],
  ])('is %s with %j GiB of GPU memory', (scale, memory) => {
    const gpu = memory === undefined ? [] : [device({ kind: 'CUDA', memoryTotal: memory * gibibyte })];
    const chosen = chooseScale([worker([device(), ...gpu])]);
    expect(chosen.scale).toBe(scale);
    expect(chosen.reason).toMatch(memory === undefined ? /^there is no GPU/ : `has ${memory.toFixed(1)} GiB`);
  });

  test('is that of the largest GPU of the workers that are online', () => {
    const gpu = (memory: number) => device({ kind: 'CUDA', memoryTotal: memory * gibibyte });
    expect(chooseScale([worker([gpu(8)]), worker([gpu(16)]), worker([gpu(80)], false)]).scale).toBe('base');
  });

  test('is mini where the driver does not tell the memory', () => {
    expect(chooseScale([worker([device({ kind: 'CUDA', memoryTotal: null })])]).scale).toBe('mini');
  });
});

describe('the device report', () => {
  test('lists the processes of each device as torch.cuda.list_gpu_processes does, with the run', () => {
    const processes = [
      { pid: 4242, memory: 1.5 * gibibyte, run: { name: 'convnext_atto crop' } },
      { pid: 7, memory: 2 ** 20 / 2, run: null },
    ];
    const busy = device({ index: 1, name: 'Tesla', kind: 'CUDA', processes });
    expect(deviceReport([worker([device(), busy]), worker([device()], false)])).toEqual([
      'CPU:0 a chip of here',
      'no processes are running',
      'GPU:1 Tesla of here',
      'process       4242 uses     1536.000 MB memory  convnext_atto crop',
      'process          7 uses        0.500 MB memory',
    ]);
  });
});
