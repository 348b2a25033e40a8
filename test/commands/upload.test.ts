/** How much may wait to be imported. */

import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { CommandContext } from '../../src/commands/context.ts';
import { importDataset } from '../../src/commands/dataset.ts';
import { expireUploads, storeUpload } from '../../src/commands/upload.ts';
import { zipBytes } from '../support/archiveFiles.ts';
import { type TestContext, testContext } from '../support/commandContext.ts';
import { problemsOf } from '../support/problems.ts';

let ctx: CommandContext;
let whole: TestContext;
const limit = 1000;
/** Milliseconds. */
const day = 86_400_000;
beforeAll(async () => {
  whole = await testContext();
  ctx = { ...whole, files: { ...whole.files, uploadsLimitBytes: limit } };
});
afterEach(() => expireUploads({ ...ctx, now: () => new Date(Date.now() + 10 * day) }));
afterAll(() => whole.close());

const tomorrow = () => new Date(Date.now() + day + 1);
const refusal = expect.stringMatching(
  /^LIMIT_EXCEEDED : uploads that wait to be imported may have 1000 bytes together \(RUNGRAPH_UPLOADS_BYTES\); import some of them/,
);

async function* chunks(...content: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* content;
}
const send = (content: AsyncIterable<Uint8Array>, arriving = { bytes: 0 }, now = ctx.now) =>
  storeUpload({ ...ctx, now }, { name: 'x.zip', content, announced: 0, arriving });
async function blobs(): Promise<string[]> {
  const hashes: string[] = [];
  for await (const { hash } of ctx.blobs.list()) hashes.push(hash);
  return hashes.sort();
}
/** An upload that has sent `bytes` and ends when it is told to. */
function pausing(bytes: Uint8Array) {
  let end = () => {};
  let begin = () => {};
  const told = new Promise<void>((resolve) => {
    end = resolve;
  });
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  async function* content() {
    yield bytes;
    begin();
    await told;
  }
  return { content: content(), begun, end };
}

it('is refused above the limit; what is imported or has expired does not count', async () => {
  const archive = zipBytes([{ name: 'rust/1.jpg', data: Buffer.alloc(400, 'a') }]);
  const { id, contentHash } = await send(chunks(archive));
  expect(await problemsOf(send(chunks(Buffer.alloc(300), Buffer.alloc(600, 1))))).toEqual([refusal]);
  expect(await blobs()).toEqual([contentHash]);
  await importDataset(ctx, { name: 'imported', uploadId: id });
  const second = await send(chunks(Buffer.alloc(900, 2)));
  // The same again needs no more room, but that is not known before it is there.
  expect(await problemsOf(send(chunks(Buffer.alloc(900, 2))))).toEqual([refusal]);
  expect(await blobs()).toEqual([contentHash, second.contentHash].sort());
  await send(chunks(Buffer.alloc(900, 3)), undefined, tomorrow);
});

it('counts what others are sending to the same server', async () => {
  const arriving = { bytes: 0 };
  const slow = pausing(Buffer.alloc(700, 4));
  const first = send(slow.content, arriving);
  await slow.begun;
  expect(await problemsOf(send(chunks(Buffer.alloc(700, 5)), arriving))).toEqual([refusal]);
  slow.end();
  await first;
  expect(arriving.bytes).toBe(0);
  expect(await problemsOf(send(chunks(Buffer.alloc(700, 5)), arriving))).toEqual([refusal]);
  await send(chunks(Buffer.alloc(300, 6)), arriving);
});

it('is refused before a byte of it is read when it says that it has no room', async () => {
  await send(chunks(Buffer.alloc(400, 9)));
  const never = pausing(Buffer.alloc(1));
  let read = false;
  void never.begun.then(() => {
    read = true;
  });
  const upload = { name: 'x.zip', content: never.content, announced: 601, arriving: { bytes: 0 } };
  expect(await problemsOf(storeUpload(ctx, upload))).toEqual([refusal]);
  const other = { bytes: 1 };
  expect(await problemsOf(storeUpload(ctx, { ...upload, announced: 600, arriving: other }))).toEqual([refusal]);
  expect([read, other.bytes]).toEqual([false, 1]);
  const fits = { ...upload, content: chunks(Buffer.alloc(600, 10)), announced: 600 };
  expect(await storeUpload(ctx, fits)).toMatchObject({ size: 600 });
});

it('holds for two that arrive at two servers at once: one is stored, and of the other nothing', async () => {
  const before = await blobs();
  const slow = [pausing(Buffer.alloc(700, 7)), pausing(Buffer.alloc(700, 8))];
  const sent = slow.map(({ content }) => send(content));
  await Promise.all(slow.map(({ begun }) => begun));
  for (const { end } of slow) end();
  const outcomes = await Promise.allSettled(sent);
  const stored = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? outcome.value.contentHash : []));
  expect(stored).toHaveLength(1);
  const [refused] = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? outcome.reason : []));
  expect(await problemsOf(Promise.reject(refused))).toEqual([refusal]);
  expect(await blobs()).toEqual([...before, ...stored].sort());
  expect(await ctx.db.prisma.upload.count()).toBe(1);
});
