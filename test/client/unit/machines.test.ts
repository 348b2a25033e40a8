import { describe, expect, test } from 'vitest';
import {
  createDeviceHistory,
  type DevicePast,
  type ReportingWorker,
  reportOf,
  utilizationCourse,
  withPast,
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

  const past = (...seconds: number[]): DevicePast => ({
    index: 0,
    history: seconds.map((second) => ({
      ...{ at: new Date(second * 1000).toISOString(), memoryUsed: 50, runMemory: 7, utilization: null },
    })),
  });
  const collected = (...seconds: number[]) => seconds.map((second) => reportOf(worker(second), device));

  test('takes what the server remembers in between by time, nothing twice, and not without bound', () => {
    const reports = collected(4.002, 6, 8);
    const all = withPast(reports, past(1, 4.002, 5, 6, 9));
    expect(all.map(({ at, used }) => [at, used])).toEqual([
      ...[
        [1, 50],
        [4.002, 100],
        [5, 50],
        [6, 100],
        [8, 100],
        [9, 50],
      ],
    ]);
    expect(all[0]).toEqual({ at: 1, used: 50, ours: 7, utilization: null });
    expect(withPast(all, past(1, 5, 9))).toBe(all);
    expect(withPast(reports, past(1, 5, 9), 3).map(({ at }) => at)).toEqual([6, 8, 9]);
    expect(withPast([], past())).toEqual([]);
  });

  test('that the server remembers comes before or after what is collected', () => {
    const [before, after] = [createDeviceHistory(), createDeviceHistory()];
    before.fill('wrk_1', [past(1, 2), { ...past(1), index: 1 }]);
    before.note(worker(2));
    before.note(worker(3));
    after.note(worker(2));
    after.note(worker(3));
    after.fill('wrk_1', [past(1, 2), { ...past(1), index: 1 }]);
    for (const history of [before, after]) {
      expect(history.of('wrk_1', 0).map(({ at }) => at)).toEqual([1, 2, 3]);
      expect(history.of('wrk_1', 1).map(({ at }) => at)).toEqual([1]);
    }
    before.keep(new Set());
    expect(before.of('wrk_1', 0)).toEqual([]);
  });

  test('has the course of utilization at equal distances, with gaps where nothing was reported', () => {
    const reports = [0, 12, 14, 50].map((at) => ({ at, used: null, ours: 0, utilization: at / 100 }));
    expect(utilizationCourse(reports)).toEqual([0, 0.14, null, null, 0.5]);
    expect(utilizationCourse(reports, 3)).toEqual([null, null, 0.5]);
    expect(utilizationCourse([])).toEqual([]);
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
