import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openDownload } from '../../src/bin/predict/server.ts';
import { provideFile } from '../../src/bin/predict/weightsCache.ts';
import { StartupError } from '../../src/errors.ts';

let home: string;
beforeEach(async () => {
  home = await mkdtemp(path.join(os.tmpdir(), 'rungraph-home-'));
});
afterEach(() => rm(home, { recursive: true }));

const content = 'the weights of a run';
const contentHash = createHash('sha256').update(content).digest('hex');
const artifact = { id: 'art_1', downloadUrl: '/artifacts/art_1', contentHash, size: content.length };
const cache = () => path.join(home, 'cache', 'weights');

let downloads = 0;
/** Pieces as they come from a server; an Error is where the connection breaks. */
const serving = (...pieces: (string | Error)[]) =>
  async function* () {
    downloads++;
    for (const piece of pieces) {
      if (piece instanceof Error) throw piece;
      yield Buffer.from(piece);
    }
  };
const provide = (pieces: (string | Error)[], onBytes = (_: number) => {}) =>
  provideFile(home, artifact, async () => serving(...pieces)(), onBytes);

test('a file is downloaded once, and again when it was damaged', async () => {
  downloads = 0;
  let bytes = 0;
  const file = await provide(['the weights ', 'of a run'], (more) => {
    bytes += more;
  });
  expect(await readFile(file, 'utf8')).toBe(content);
  expect(bytes).toBe(content.length);
  expect(await provide([new Error('not asked for')])).toBe(file);
  await writeFile(file, 'the weights of a rum');
  expect(await provide([content])).toBe(file);
  expect(await readFile(file, 'utf8')).toBe(content);
  expect(downloads).toBe(2);
});

test('a download that is cut or altered leaves nothing', async () => {
  await expect(provide(['the weights', new Error('terminated')])).rejects.toThrow('terminated');
  await expect(provide(['the weights'])).rejects.toThrow(StartupError);
  await expect(provide(['the weights'])).rejects.toThrow(new RegExp(`came with the hash .*, expected ${contentHash}`));
  expect(await readdir(cache())).toEqual([]);
});

test('a connection that breaks is told, and nothing is kept', async () => {
  const server = http.createServer((_request, response) => {
    response.writeHead(200, { 'content-length': content.length });
    response.write('the weights', () => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { signal } = new AbortController();
  const broken = provideFile(
    home,
    artifact,
    () => openDownload({ url, apiKey: undefined }, artifact, signal),
    () => {},
  );
  await expect(broken).rejects.toThrow(new StartupError(`The connection to ${url} broke (terminated). Try again`));
  expect(await readdir(cache())).toEqual([]);
  server.close();
});

test('a home that cannot be written to is named', async () => {
  await writeFile(path.join(home, 'cache'), 'a file where the folder should be');
  await expect(provide([content])).rejects.toThrow(`The weights cannot be stored in ${cache()}: `);
});
