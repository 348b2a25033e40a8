/** Images that cannot be read, with real files: what is left out is decided before the run begins, once. */

import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rename, rm, truncate, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { TrainerEvent, TrainerJob } from '../../src/domain/trainer.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { openOnnxRuntime } from '../../src/engine/onnxruntime/engine.ts';
import { trainRun } from '../../src/learner/trainRun.ts';
import { fakeImages, fakeJob, fakeMemory, ofKind, tickingClock } from './fakes.ts';

let engine: Engine;
let folder: string;
let job: TrainerJob;
beforeAll(async () => {
  engine = await openOnnxRuntime({ computeThreads: 2 });
});
afterAll(() => engine.dispose());
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'rungraph-unreadable-'));
  job = fakeJob({ unreadableImages: 'SKIP', epochs: 1 });
  const images = await Promise.all(
    job.images.map(async (image) => {
      const file = path.join(folder, image.path);
      await mkdir(path.dirname(file), { recursive: true });
      const bytes = `the bytes of ${image.imageId}`;
      await writeFile(file, bytes);
      return { ...image, path: file, contentHash: createHash('sha256').update(bytes).digest('hex') };
    }),
  );
  job = { ...job, images };
  return () => rm(folder, { recursive: true });
});

async function run(of: TrainerJob): Promise<TrainerEvent[]> {
  const signal = new AbortController().signal;
  const openImages = fakeImages().open;
  const deps = { engine, openImages, memory: fakeMemory(), now: tickingClock(1), signal, drain: signal };
  const events: TrainerEvent[] = [];
  for await (const event of trainRun(of, deps)) events.push(event);
  return events;
}

const fileOf = (split: string, label: string, i: number) => path.join(folder, `/data/${split}/${label}/${i}.jpg`);
const points = (events: TrainerEvent[]) => ofKind(events, 'metrics').flatMap((event) => event.points);
const predictions = (events: TrainerEvent[]) => ofKind(events, 'predictions').map((event) => event.predictions);

describe('with unreadableImages SKIP', () => {
  it('files that are gone, cut short or replaced are named and left out', async () => {
    await rm(fileOf('TRAIN', 'a', 3));
    await truncate(fileOf('TRAIN', 'b', 5), 4);
    await writeFile(fileOf('TEST', 'a', 2), 'another picture');
    const events = await run(job);
    const [told] = ofKind(events, 'skipped');
    expect(told!.images.map(({ path: file, reason }) => [file, reason]).sort()).toEqual([
      [fileOf('TEST', 'a', 2), 'it is not the file that was imported any more'],
      [fileOf('TRAIN', 'a', 3), expect.stringContaining('no such file')],
      [fileOf('TRAIN', 'b', 5), 'it is not the file that was imported any more'],
    ]);
    const lines = ofKind(events, 'log').map((event) => event.line);
    expect(lines).toContainEqual(expect.stringMatching(/^3 of 24 images cannot be read and are left out: .*a\/3\.jpg/));
    expect(events.at(-1)!.kind).toBe('finished');
    const test = predictions(events).find(({ split }) => split === 'TEST')!;
    expect(test.imageIds).toHaveLength(4);
    expect(test.imageIds).not.toContain('test-x-002.jpg');
    // 4 of 16 validate, as they would without the three.
    const whole = await run({ ...job, config: { ...job.config, unreadableImages: 'FAIL' } });
    const validOf = (of: TrainerEvent[]) => predictions(of).find(({ split }) => split === 'VALID')!.imageIds;
    const gone = told!.images.map(({ imageId }) => imageId);
    expect(validOf(events)).toEqual(validOf(whole).filter((id) => !gone.includes(id)));
  });

  it('a later attempt leaves the same ones out, whether they can be read by then or others cannot', async () => {
    await rename(fileOf('TRAIN', 'a', 3), `${folder}/kept`);
    const first = await run(job);
    await rename(`${folder}/kept`, fileOf('TRAIN', 'a', 3));
    await rm(fileOf('TRAIN', 'b', 1));
    const skipped = ofKind(first, 'skipped')[0]!.images.map(({ imageId }) => imageId);
    expect(skipped).toEqual(['train-a-003.jpg']);
    const second = await run({ ...job, attempt: 2, skipped });
    expect(ofKind(second, 'skipped')).toEqual([]);
    expect(points(second)).toEqual(points(first));
    expect(predictions(second)).toEqual(predictions(first));
  });

  it('having looked without finding any is told, too', async () => {
    const events = await run(job);
    expect(ofKind(events, 'skipped')).toEqual([{ kind: 'skipped', images: [] }]);
  });

  it('too many to leave out are DATA_UNREADABLE, and so are too few that are left', async () => {
    const failureOf = async (changed: TrainerJob) => ofKind(await run(changed), 'failed')[0]!.failure;
    for (const i of [0, 1, 2, 3, 4]) await rm(fileOf('TRAIN', 'a', i));
    const large = { ...job, config: { ...job.config, effectiveBatchSize: 12, accumulation: 1 } };
    expect(await failureOf(large)).toMatchObject({
      code: 'DATA_UNREADABLE',
      message: expect.stringMatching(/^without the images that cannot be read a micro-batch is 12 images/),
    });
    await rm(path.join(folder, 'data/TRAIN'), { recursive: true });
    expect(await failureOf(job)).toMatchObject({
      code: 'DATA_UNREADABLE',
      message: expect.stringMatching(
        /^16 of 24 images cannot be read, which are too many to leave out; the first is \//,
      ),
    });
  });
});
