import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decodeImage } from '../../src/vision/decode.ts';
import { ImageUnreadableError } from '../../src/vision/rgbImage.ts';
import { createThumbnailCache, renderThumbnail } from '../../src/vision/thumbnail.ts';
import { jpegBytes, picture } from '../support/imageFiles.ts';

const flat = (width: number, height: number, background: string) =>
  sharp({ create: { width, height, channels: 4, background } });
const first = async (bytes: Buffer) => [...(await decodeImage(bytes)).data.subarray(0, 3)];

describe('decoding', () => {
  it('turns images upright', async () => {
    const left = await flat(10, 20, '#ff0000').png().toBuffer();
    const bytes = await flat(40, 20, '#0000ff')
      .composite([{ input: left, left: 0, top: 0 }])
      .removeAlpha()
      .png()
      .withMetadata({ orientation: 6 })
      .toBuffer();
    const image = await decodeImage(bytes);
    expect([image.width, image.height]).toEqual([20, 40]);
    // Turned clockwise, the left edge is now on top.
    expect([...image.data.subarray(0, 3)]).toEqual([255, 0, 0]);
    expect([...image.data.subarray(-3)]).toEqual([0, 0, 255]);
  });

  it('flattens transparency on white, in 8 and in 16 bits', async () => {
    expect(await first(await flat(4, 4, 'rgba(0, 0, 0, 0)').png().toBuffer())).toEqual([255, 255, 255]);
    const half = await flat(4, 4, 'rgba(0, 0, 0, 0.5)').toColourspace('rgb16').png().toBuffer();
    for (const value of await first(half)) expect(Math.abs(value - 127.5)).toBeLessThanOrEqual(1.5);
  });

  it('divides 16-bit values by 257', async () => {
    const values = Uint16Array.from([0, 257, 385, 386, 65535, 0x80ff]);
    const bytes = await sharp(values, { raw: { width: 6, height: 1, channels: 1 } })
      .toColourspace('grey16')
      .png()
      .toBuffer();
    expect((await sharp(bytes).metadata()).depth).toBe('ushort');
    const { data } = await decodeImage(bytes);
    expect([0, 1, 2, 3, 4, 5].map((i) => data[i * 3])).toEqual([0, 1, 1, 2, 255, 128]);
  });

  it('gives three channels for grey, palette and CMYK images', async () => {
    for (const bytes of [
      await picture().greyscale().jpeg().toBuffer(),
      await picture().png({ palette: true }).toBuffer(),
      await picture().toColourspace('cmyk').jpeg().toBuffer(),
    ]) {
      const { width, height, data } = await decodeImage(bytes);
      expect(data.length).toBe(width * height * 3);
    }
    const grey = (await decodeImage(await picture().greyscale().png().toBuffer())).data;
    expect(grey[0]).toBe(grey[1]);
    const green = await flat(4, 4, '#20c020').removeAlpha().toColourspace('cmyk').jpeg().toBuffer();
    const [r, g] = await first(green);
    expect(g!).toBeGreaterThan(r! + 50);
  });

  it('refuses by header, by content and when damaged, saying why', async () => {
    const png = await picture({ width: 40, height: 40 }).png().toBuffer();
    await expect(decodeImage(png, 1599)).rejects.toThrow('claims 40x40 pixels, more than the limit of 1599');
    await expect(decodeImage(png, 1600)).resolves.toMatchObject({ width: 40 });
    await expect(decodeImage(new Uint8Array())).rejects.toThrow('empty');
    await expect(decodeImage(Buffer.from('<svg/>'))).rejects.toThrow('supported format');
    const jpeg = await jpegBytes({ width: 200, height: 200 });
    await expect(decodeImage(jpeg.subarray(0, jpeg.length / 2))).rejects.toThrow('cannot be decoded');
    await expect(decodeImage(jpeg.subarray(0, 20))).rejects.toThrow(/cannot be/);
  });

  it('gives each of many files decoded at once its own reason', async () => {
    const whole = await jpegBytes({ width: 200, height: 200 });
    const cut = whole.subarray(0, whole.length / 2);
    const outcomes = await Promise.allSettled(
      Array.from({ length: 200 }, (_, i) => decodeImage(i % 2 === 0 ? whole : cut)),
    );
    const reasons = outcomes.map((outcome) => (outcome.status === 'rejected' ? outcome.reason.message : null));
    expect(reasons).toEqual(
      reasons.map((_, i) => (i % 2 === 0 ? null : 'it cannot be decoded: the file is damaged or cut off')),
    );
  });
});

describe('thumbnails', () => {
  let folder: string;
  const fileAt = (path: string) => ({ path, read: () => readFile(path) });
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'thumbnail-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('fit the side, upright, without the metadata of the original', async () => {
    const path = join(folder, 'photo.jpg');
    const exif = { IFD0: { Make: 'SecretCamera' }, IFD3: { GPSLatitudeRef: 'N', GPSLatitude: '1/1 2/1 3/1' } };
    await writeFile(
      path,
      await picture({ width: 80, height: 40 }).jpeg().withExif(exif).withMetadata({ orientation: 6 }).toBuffer(),
    );
    const bytes = await renderThumbnail(fileAt(path), 20);
    const metadata = await sharp(bytes).metadata();
    expect(metadata).toMatchObject({ format: 'jpeg', width: 10, height: 20 });
    expect(metadata.exif).toBeUndefined();
    expect(metadata.orientation).toBeUndefined();
    expect((await sharp(await renderThumbnail(fileAt(path), 500)).metadata()).height).toBe(80);
  });

  it('names the file that cannot be read', async () => {
    const path = join(folder, 'gone.jpg');
    const error = await renderThumbnail(fileAt(path), 20).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ImageUnreadableError);
    expect(error).toMatchObject({ path });
  });

  it('are rendered once while they fit into the cache; failures are tried again', async () => {
    const image = async (seed: number) => {
      const path = join(folder, `${seed}.jpg`);
      await writeFile(path, await jpegBytes({ seed }));
      return { ...fileAt(path), contentHash: `hash${seed}` };
    };
    const [a, b, c] = [await image(1), await image(2), await image(3)];
    const size = (await renderThumbnail(a, 16)).length;
    const cache = createThumbnailCache(size * 2.5);
    const [first, same] = await Promise.all([cache.get(a, 16), cache.get(a, 16)]);
    expect(same).toBe(first);
    await cache.get(b, 16);
    expect(await cache.get(a, 16)).toBe(first);
    await cache.get(c, 16);
    await Promise.all([rm(a.path), rm(b.path)]);
    expect(await cache.get(a, 16), 'used after b').toBe(first);
    await expect(cache.get(b, 16)).rejects.toBeInstanceOf(ImageUnreadableError);
    await writeFile(b.path, await jpegBytes({ seed: 2 }));
    expect((await cache.get(b, 16)).length).toBeGreaterThan(0);
  });
});
