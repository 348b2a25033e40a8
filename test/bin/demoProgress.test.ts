import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { createProgressView } from '../../src/bin/demo/progress.ts';
import type { RunEvent } from '../../src/bin/demo/trainingOperations.ts';

const mebibyte = 2 ** 20;
const runs = [
  { id: 'run_1', name: 'convnext_atto crop' },
  { id: 'run_2', name: 'vit_tiny squish' },
];

/** A run's first epoch and its end, as the server tells them. */
const events: RunEvent[] = [
  { __typename: 'RunStatusChanged', runId: 'run_1', status: 'RUNNING', failure: null },
  {
    __typename: 'RunProgressed',
    runId: 'run_1',
    progress: { phase: 'UNFROZEN', epoch: 0, epochs: 4, batch: 5, batches: 10, imagesPerSecond: 99.6, etaSeconds: 75 },
  },
  { __typename: 'MemorySampled', runId: 'run_1', point: { used: 300 * mebibyte, peak: 412 * mebibyte } },
  {
    __typename: 'EpochCompleted',
    runId: 'run_1',
    epoch: {
      index: 0,
      trainLoss: { value: 1.25, nonFinite: null },
      validLoss: { value: null, nonFinite: 'NAN' },
      errorRate: 0.125,
      imagesPerSecond: 88,
    },
  },
  { __typename: 'RunStatusChanged', runId: 'run_of_somebody_else', status: 'RUNNING', failure: null },
  { __typename: 'RunStatusChanged', runId: 'run_1', status: 'FAILED', failure: { message: 'the loss is NaN' } },
];

function show(terminal: boolean): { feed: (events: RunEvent[]) => void; end: () => string } {
  const stream = Object.assign(new PassThrough(), { isTTY: terminal, columns: 200, cursorTo() {}, clearLine() {} });
  const view = createProgressView(runs, stream as unknown as NodeJS.WriteStream);
  return {
    feed: (list) => {
      for (const event of list) view.handle(event);
    },
    end: () => {
      view.close();
      return String(stream.read() ?? '');
    },
  };
}

test('without a terminal: a line per status and epoch, with everything worth knowing', () => {
  const { feed, end } = show(false);
  feed(events);
  expect(end().trimEnd().split('\n')).toEqual([
    '  convnext_atto crop: running',
    '  convnext_atto crop: epoch 1/4, train loss 1.250, valid loss NaN, error 12.5 %, 88 img/s, 412 MiB, ETA 1:15 min',
    '  convnext_atto crop: failed: the loss is NaN',
  ]);
});

test('on a terminal: a bar per run with loss, error, speed, memory and ETA', () => {
  const { feed, end } = show(true);
  feed(events.slice(0, 4));
  const drawn = end();
  expect(drawn).toMatch(
    /convnext_atto crop █+░+ +11% epoch 1\/4 +\| loss +NaN \| error 12\.5 % \| +88 img\/s \| +412 MiB \| ETA 1:15 min/,
  );
  expect(drawn).toMatch(/vit_tiny squish +░+ +0% queued /);
});
