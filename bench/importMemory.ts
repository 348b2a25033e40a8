/**
 * Resident memory and time of an import of many images: `node --import tsx bench/importMemory.ts [COUNT]`. The images are small, so
 * that what grows with their number shows: names, hashes and the manifest.
 */

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { importFolder } from '../src/datasets/importFolder.ts';

const count = Number(process.argv[2] ?? 100_000);
const folder = await mkdtemp(path.join(tmpdir(), 'rungraph-import-'));
try {
  const tile = Buffer.from(Array.from({ length: 48 }, (_, i) => (i * 37) % 256));
  const picture = await sharp(tile, { raw: { width: 4, height: 4, channels: 3 } })
    .resize(64, 48)
    .jpeg()
    .toBuffer();
  for (const label of ['a', 'b', 'c', 'd']) await mkdir(path.join(folder, label));
  for (let i = 0; i < count; i++) {
    // What follows the end of a JPEG makes it another file.
    await writeFile(path.join(folder, 'abcd'[i % 4]!, `${i}.jpg`), Buffer.concat([picture, Buffer.from(String(i))]));
  }
  const before = process.memoryUsage.rss();
  let most = before;
  const timer = setInterval(() => {
    most = Math.max(most, process.memoryUsage.rss());
  }, 100);
  const start = performance.now();
  const { images } = await importFolder(folder);
  const seconds = (performance.now() - start) / 1000;
  clearInterval(timer);
  const mebibytes = (bytes: number) => Math.round(bytes / 2 ** 20);
  console.log(
    `${images.length} images in ${seconds.toFixed(0)} s (${Math.round(images.length / seconds)} images/s); ` +
      `resident memory ${mebibytes(before)} MiB before, ${mebibytes(most)} MiB at most`,
  );
} finally {
  await rm(folder, { recursive: true });
}
