import { describe, expect, test } from 'vitest';
import {
  createDeviceHistory,
  type ReportingWorker,
  reportOf,
  withReport,
} from '../../../client/src/pages/machines/deviceHistory.ts';
import { inOrder, progressOf, type QueuedRun } from '../../../client/src/pages/machines/queue.ts';

const device = { index: 0, memoryUsed: 100, utilization: 0.5, processes: [] };
const worker = (second: number, changes: Partial<ReportingWorker> = {}): ReportingWorker => ({
  id: 'wrk_1',
  lastSeenAt: new Date(second * 1000).toISOString(),
  devices: [device],
  ...changes,
});

describe('the history of devices', () => {
  test('is bounded, and has every report once', () => {
    let reports: ReturnType<typeof withReport> = [];
    for (let second = 1; second <= 10; second++) {
      reports = withReport(reports, reportOf(worker(second), device), 4);
      expect(withReport(reports, reportOf(worker(second), device), 4)).toBe(reports);
      expect(withReport(reports, reportOf(worker(second - 1), device), 4)).toBe(reports);
    }
    expect(reports.map(({ at }) => at)).toEqual([7, 8, 9, 10]);
  });

  test('tells the memory of our processes from that of others', () => {
    const processes = [
      { memory: 10, run: {} },
      { memory: 20, run: null },
      { memory: 5, run: {} },
    ];
    expect(reportOf(worker(3), { ...device, processes })).toEqual({ at: 3, used: 100, ours: 15, utilization: 0.5 });
  });

  test('is kept by worker and device, and goes with its worker', () => {
    const history = createDeviceHistory();
    history.note(worker(1, { devices: [device, { ...device, index: 1, memoryUsed: null }] }));
    history.note(worker(1, { id: 'wrk_2' }));
    const before = history.of('wrk_1', 0);
    expect(history.of('wrk_1', 0)).toBe(before);
    history.note(worker(2));
    expect(history.of('wrk_1', 0).map(({ at }) => at)).toEqual([1, 2]);
    expect(history.of('wrk_1', 1)).toMatchObject([{ at: 1, used: null }]);
    history.keep(new Set(['wrk_1']));
    expect(history.of('wrk_2', 0)).toEqual([]);
    expect(history.of('wrk_1', 0)).toHaveLength(2);
  });
});

describe('the queue', () => {
  const run = (id: string, status: string, createdAt: string, changes: Partial<QueuedRun> = {}): QueuedRun => ({
    ...{ id, status, createdAt, startedAt: null, nextAttemptAt: null },
    ...changes,
  });

  test('has what is under way first, then the oldest, then what waits for its moment', () => {
    const queued = [
      run('waits', 'QUEUED', '2026-01-01', { nextAttemptAt: '2026-01-09' }),
      run('second', 'QUEUED', '2026-01-03', { startedAt: '2026-01-02' }),
      run('first', 'QUEUED', '2026-01-02'),
      run('running', 'QUEUED', '2026-01-04'),
      run('waitsLess', 'QUEUED', '2026-01-08', { nextAttemptAt: '2026-01-08' }),
    ];
    const active = [
      run('canceling', 'CANCELING', '2026-01-01', { startedAt: '2026-01-05' }),
      run('running', 'RUNNING', '2026-01-04', { startedAt: '2026-01-04' }),
    ];
    expect(inOrder(active, queued).map(({ id }) => id)).toEqual([
      ...['running', 'canceling', 'first', 'second', 'waitsLess', 'waits'],
    ]);
  });

  test.each([
    ['PREPARING', { epoch: 0, batch: 5, batches: 10 }, null, 'prepares'],
    ['PREDICTING', { epoch: 4, batch: 5, batches: 10, etaSeconds: 12 }, null, 'predicts, 12 s left'],
    ['FROZEN', { epoch: 0, batch: 5, batches: 10 }, 0.125, 'epoch 1 of 4'],
    ['UNFROZEN', { epoch: 2, batch: 0, batches: 0, etaSeconds: 65 }, 0.5, 'epoch 3 of 4, 1 min 05 s left'],
    ['VALIDATING', { epoch: 3, batch: 9, batches: 10 }, 0.75, 'epoch 4 of 4'],
    ['UNFROZEN', { epoch: 4, batch: 10, batches: 10 }, 1, 'epoch 4 of 4'],
    ['PROBING', { epoch: 1, batch: 0, batches: 3 }, 0.25, 'network 2 of 4'],
  ] as const)('tells how far %s is', (phase, progress, share, text) => {
    expect(progressOf({ phase, epochs: 4, etaSeconds: null, ...progress })).toEqual({ share, text });
  });

  test('never divides by nothing', () => {
    expect(
      progressOf({ phase: 'FROZEN', epoch: 0, epochs: 0, batch: 0, batches: 0, etaSeconds: null }).share,
    ).toBeNull();
  });
});
