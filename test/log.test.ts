import { expect, test } from 'vitest';
import { createLogger, describeLine, logIds, withLogIds } from '../src/log.ts';

function capture() {
  const lines: string[] = [];
  const log = createLogger('worker', 'info', { write: (line: string) => lines.push(line) });
  return { log, lines, objects: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

test('every line carries the ids of the work it belongs to, also after awaiting, and those of no other', async () => {
  const { log, objects } = capture();
  const work = (requestId: string, runId: string) =>
    withLogIds({ requestId }, async () => {
      log.info('asked');
      await new Promise((resolve) => setImmediate(resolve));
      await withLogIds({ runId, attempt: 1 }, async () => {
        await Promise.resolve();
        log.info('begun');
      });
      log.info('done');
    });
  await Promise.all([work('a', 'run_a'), work('b', 'run_b')]);
  log.info('alone');
  const ids = objects().map(({ msg, requestId, runId, attempt }) => [msg, requestId, runId, attempt]);
  for (const id of ['a', 'b']) {
    expect(ids.filter(([, requestId]) => requestId === id)).toEqual([
      ['asked', id, undefined, undefined],
      ['begun', id, `run_${id}`, 1],
      ['done', id, undefined, undefined],
    ]);
  }
  expect(ids.at(-1)).toEqual(['alone', undefined, undefined, undefined]);
  expect(logIds()).toEqual({});
});

test('a terminal gets text: what the line says, and the stack of an error', () => {
  const { log, lines } = capture();
  withLogIds({ runId: 'run_1' }, () => log.warn({ err: new Error('no disk'), bytes: 7 }, 'not kept'));
  const [first, second] = describeLine(lines[0]!).split('\n');
  expect(first).toMatch(/^\d\d:\d\d:\d\d WARN worker: not kept (runId="run_1" bytes=7|bytes=7 runId="run_1")$/);
  expect(second).toBe('Error: no disk');
});
