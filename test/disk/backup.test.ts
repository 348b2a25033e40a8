import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { verifyBackup } from '../../src/backup/restore.ts';
import { writeBackup } from '../../src/backup/writeBackup.ts';
import { insertArtifact } from '../../src/store/artifact.ts';
import { experimentOf, testId, testRun } from '../support/catalogue.ts';
import { testContext } from '../support/commandContext.ts';
import { noSmallDisk, smallDisk } from '../support/smallDisk.ts';

describe.skipIf(noSmallDisk !== undefined)(`a backup on a file system of its own ${noSmallDisk ?? ''}`, () => {
  test('on a full disk is refused with the reason, leaves nothing, and is made once there is space', async () => {
    const ctx = await testContext();
    onTestFinished(() => ctx.close());
    const runId = await testRun(ctx.db.prisma, await experimentOf(ctx.db.prisma, null));
    const { hash: contentHash, size } = await ctx.blobs.put(randomBytes(3_000_000));
    const artifact = { id: testId('artifact'), runId, name: 'weights', kind: 'WEIGHTS', size, contentHash } as const;
    await insertArtifact(ctx.db.prisma, { ...artifact, createdAt: new Date() });
    const disk = smallDisk(8);
    onTestFinished(() => disk.remove());
    const file = path.join(disk.path, 'backup.tar');
    const back = () => writeBackup({ url: ctx.url, blobs: ctx.blobs, file, now: new Date() });
    for (const leave of [0, 20_000, 1_000_000]) {
      await disk.fill(leave);
      await expect(back()).rejects.toMatchObject({
        name: 'StartupError',
        message: `The disk that holds ${disk.path} is full, no backup was made; free some space`,
      });
      expect(await readdir(disk.path)).toEqual(['ballast']);
      await disk.free();
    }
    const contents = await back();
    expect((await verifyBackup(file)).contents).toEqual(contents);
  });
});
