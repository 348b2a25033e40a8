/** A collection of odd inputs, with the paths of the one that test/datasets/statedPolicies.ts is about. */

import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { crc32, deflateSync } from 'node:zlib';
import sharp, { type Sharp } from 'sharp';
import { type ZipPart, zipBytes } from './archiveFiles.ts';
import { jpegBytes, picture } from './imageFiles.ts';

/** A JPEG whose frame header claims another size. */
export async function lyingJpeg(side: number): Promise<Buffer> {
  const bytes = await jpegBytes();
  const frame = bytes.indexOf(Buffer.from([0xff, 0xc0]));
  bytes.writeUInt16BE(side, frame + 5);
  bytes.writeUInt16BE(side, frame + 7);
  return bytes;
}

function pngChunk(kind: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(kind, 'latin1'), data]);
  const ends = Buffer.alloc(8);
  ends.writeUInt32BE(data.length, 0);
  ends.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([ends.subarray(0, 4), body, ends.subarray(4)]);
}

/** A one-bit PNG that unpacks to side * side pixels from next to nothing. */
export function pngBomb(side: number): Buffer {
  const header = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  const rows = deflateSync(Buffer.alloc((1 + side / 8) * side));
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    pngChunk('IHDR', header),
    pngChunk('IDAT', rows),
    pngChunk('IEND', Buffer.alloc(0)),
  ]);
}

export async function frames(): Promise<Sharp> {
  const pages = await Promise.all([1, 2, 3].map((seed) => picture({ seed }).png().toBuffer()));
  return sharp(pages, { join: { animated: true } });
}

async function images(): Promise<Record<string, Buffer | string>> {
  const good = (seed: number) => picture({ width: 200, height: 150, seed });
  const jpeg = await good(1).jpeg().toBuffer();
  const flipped = await good(2).png().toBuffer();
  flipped[flipped.length >> 1]! ^= 0xff;
  const transparent = await sharp(await good(3).png().toBuffer())
    .ensureAlpha(0.5)
    .png()
    .toBuffer();
  return {
    'good.jpg': jpeg,
    'truncated.jpg': jpeg.subarray(0, Math.floor(jpeg.length * 0.6)),
    'zero.jpg': '',
    'text.jpg': 'This is a text file that somebody renamed.\n',
    'html.jpg': '<!doctype html><script>document.title="hostile"</script><p>not a picture',
    'script.svg': '<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><script>1</script></svg>',
    'png-inside.jpg': await good(4).png().toBuffer(),
    'jpeg-inside.png': await good(5).jpeg().toBuffer(),
    'gray16.png': await good(6).toColourspace('grey16').png().toBuffer(),
    'rgb16.png': await good(7).toColourspace('rgb16').png().toBuffer(),
    'gray.jpg': await good(8).greyscale().jpeg().toBuffer(),
    'cmyk.jpg': await good(9).toColourspace('cmyk').jpeg().toBuffer(),
    'rgba.png': transparent,
    'palette-transparent.png': await sharp(transparent).png({ palette: true, colours: 16 }).toBuffer(),
    'exif-orientation-6.jpg': await good(10).jpeg().withMetadata({ orientation: 6 }).toBuffer(),
    'exif-gps.jpg': await good(11)
      .jpeg()
      .withExif({ IFD3: { GPSLatitudeRef: 'N', GPSLatitude: '1/1 2/1 3/1' } })
      .toBuffer(),
    'animated.gif': await (await frames()).gif().toBuffer(),
    'photo.webp': await good(12).webp().toBuffer(),
    'progressive.jpg': await good(13).jpeg({ progressive: true }).toBuffer(),
    'trailing-zip.jpg': Buffer.concat([
      await good(14).jpeg().toBuffer(),
      zipBytes([{ name: 'inner.txt', data: 'hidden' }]),
    ]),
    'one-pixel.png': await picture({ width: 1, height: 1 }).png().toBuffer(),
    'wide-6000x20.jpg': await picture({ width: 6000, height: 20, seed: 15 }).jpeg().toBuffer(),
    'tall-20x6000.jpg': await picture({ width: 20, height: 6000, seed: 16 }).jpeg().toBuffer(),
    'bomb-30000x30000.png': pngBomb(30_000),
    'header-lies-65500x65500.jpg': await lyingJpeg(65_500),
    'bad-crc.png': flipped,
  };
}

const oddNames = [
  ...['with space.jpg', ' leading and trailing .jpg', '水稲 いもち病.jpg', 'ñandú-Ωλ-лист.jpg', 'emoji-🌾.jpg'],
  ...['cafe\u0301.jpg', 'caf\u00e9.jpg', 'UPPER.JPG', 'upper.jpg', '-rf.jpg', 'quote\'".jpg', '$(touch pwned);&.jpg'],
  ...['<img src=x onerror=alert(1)>.jpg', '%2e%2e%2fescape.jpg', 'photo\u202egpj.jpg', `${'a'.repeat(236)}.jpg`],
  ...['CON.jpg', 'no-extension', '.hidden.jpg'],
];

/** Rows of the right train.csv: image, label, two columns that nobody reads. */
function rowsOf(): string[] {
  const train: [string, string, number][] = [
    ['blast', '10000', 7],
    ['brown_spot', '10001', 7],
    ['normal', '10002', 6],
  ];
  const rows = train.flatMap(([label, prefix, n]) =>
    Array.from({ length: n }, (_, i) => `${prefix}${i + 1}.jpg,${label},ADT45,45`),
  );
  return [...rows, '100031.jpg,dead_heart,ADT45,45'];
}

async function layout(): Promise<Record<string, Buffer | string>> {
  const files: Record<string, Buffer | string> = { 'train.csv': tables()['ok.csv']! };
  let seed = 200;
  for (const row of rowsOf()) {
    const [name, label] = row.split(',');
    files[`train_images/${label}/${name}`] = await jpegBytes({ seed: seed++ });
  }
  const again = files['train_images/blast/100001.jpg']!;
  return {
    ...files,
    'train_images/blast/100007.jpg': again,
    'train_images/brown_spot/100017.jpg': again,
    'train_images/blast/nested/deeper/100041.jpg': await jpegBytes({ seed: 270 }),
    'train_images/stray.jpg': await jpegBytes({ seed: 271 }),
    'train_images/README.txt': 'notes\n',
    'train_images/normal/100050.jpg': await jpegBytes({ seed: 272 }),
    'train_images/normal/100002.jpg': await jpegBytes({ seed: 273 }),
    'test_images/200001.jpg': again,
    'test_images/200002.jpg': await jpegBytes({ seed: 281 }),
  };
}

/** Variants of train.csv. */
function tables(): Record<string, Buffer | string> {
  const head = 'image_id,label,variety,age';
  const rows = rowsOf();
  const table = (change: (rows: string[]) => string[]) => `${[head, ...change([...rows])].join('\n')}\n`;
  const first = (change: (row: string) => string) => table(([row, ...rest]) => [change(row!), ...rest]);
  const ok = table((all) => all);
  return {
    'ok.csv': ok,
    'missing-row.csv': table((all) => all.toSpliced(2, 1)),
    'missing-file.csv': table((all) => [...all, '199999.jpg,blast,ADT45,45']),
    'unknown-label.csv': first((row) => row.replace('blast', 'blsat')),
    'label-disagrees.csv': first((row) => row.replace('blast', 'normal')),
    'quoted-commas.csv': table((all) => all.map((row) => row.replace('ADT45', '"ADT 45, early ""A"""'))),
    'quoted-newline.csv': first((row) => row.replace('ADT45', '"ADT\n45"')),
    'crlf.csv': ok.replaceAll('\n', '\r\n'),
    'cr-only.csv': ok.replaceAll('\n', '\r'),
    'bom.csv': `\ufeff${ok}`,
    'bom-crlf.csv': `\ufeff${ok.replaceAll('\n', '\r\n')}`,
    'utf16.csv': Buffer.from(`\ufeff${ok}`, 'utf16le'),
    'latin1.csv': Buffer.from(
      first((row) => row.replace('ADT45', 'Añ-45')),
      'latin1',
    ),
    'semicolon.csv': ok.replaceAll(',', ';'),
    'no-header.csv': `${rows.join('\n')}\n`,
    'header-case-space.csv': ok.replace(head, 'Image_ID, Label ,variety,age'),
    'only-two-columns.csv': ok.replaceAll(/^([^,\n]*,[^,\n]*),.*$/gm, '$1'),
    'extra-columns.csv': ok.replaceAll(/(?<=.)$/gm, ',note'),
    'ragged.csv': table(([row, , ...rest]) => [`${row},5,6`, '100002.jpg', ...rest]),
    'duplicate-rows.csv': table(([row, ...rest]) => [row!, row!, ...rest]),
    'conflicting-labels.csv': table((all) => [...all, all[0]!.replace('blast', 'brown_spot')]),
    'empty-label.csv': first((row) => row.replace('blast', '')),
    'label-spaces.csv': first((row) => row.replace('blast', ' Blast ')),
    'age-not-a-number.csv': first((row) => row.replace(',45', ',forty-five')),
    'path-traversal.csv': table((all) => [
      ...all,
      '../../../hostile-outside/secret.jpg,blast,A,1',
      '/etc/hostname,blast,A,1',
    ]),
    'formula.csv': first((row) => row.replace('ADT45', '=1+1')),
    'script-label.csv': first((row) => row.replace('blast', '<b onmouseover=alert(1)>x</b>')),
    'prototype-label.csv': first((row) => row.replace('blast', '__proto__')),
    'no-extension.csv': ok.replaceAll('.jpg', ''),
    'no-final-newline.csv': ok.trimEnd(),
    'blank-lines.csv': `${ok.replace('\n', '\n\n\n')}\n\n`,
    'nul-byte.csv': first((row) => row.replace('ADT45', 'AD\0T')),
    'unterminated-quote.csv': first((row) => row.replace('ADT45', '"ADT45')),
    'huge-field.csv': first((row) => row.replace('ADT45', 'A'.repeat(1_000_000))),
    'header-only.csv': `${head}\n`,
    'zero.csv': '',
    'png-inside.csv': Buffer.from('\x89PNG\r\n\x1a\n\0\0\0\rIHDR', 'latin1'),
  };
}

async function archives(): Promise<Record<string, Buffer | string>> {
  const base: ZipPart[] = [
    { name: 'train.csv', data: 'image_id,label\n1.jpg,blast\n2.jpg,normal\n' },
    { name: 'train_images/blast/1.jpg', data: await jpegBytes({ seed: 300 }) },
    { name: 'train_images/normal/2.jpg', data: await jpegBytes({ seed: 301 }) },
  ];
  const ok = zipBytes(base);
  const link = 0o120777;
  return {
    'ok.zip': ok,
    'top-folder.zip': zipBytes(base.map((part) => ({ ...part, name: `paddy-disease-classification/${part.name}` }))),
    'zip-slip.zip': zipBytes([...base, { name: '../../escaped.jpg' }, { name: '/tmp/hostile-escaped.jpg' }]),
    'symlink.zip': zipBytes([
      ...base,
      { name: 'train_images/blast/link.jpg', data: '/etc/hostname', mode: link },
      { name: 'train_images/out', data: '/tmp', mode: link },
    ]),
    'macosx.zip': zipBytes([
      ...base,
      { name: '__MACOSX/train_images/blast/._1.jpg', data: '\0\x05\x16\x07' },
      { name: 'train_images/blast/.DS_Store' },
    ]),
    'duplicate-entry.zip': zipBytes([
      ...base,
      { name: 'train_images/blast/1.jpg', data: await jpegBytes({ seed: 302 }) },
    ]),
    'bomb-200MB.zip': zipBytes([...base, { name: 'train_images/blast/3.jpg', data: Buffer.alloc(200_000_000) }]),
    'truncated.zip': ok.subarray(0, Math.floor((ok.length * 2) / 3)),
    'text.zip': 'not a zip\n',
  };
}

/** Writes the collection into `root`, and what nothing in it may reach beside it. */
export async function writeOddFiles(root: string): Promise<void> {
  const write = async (file: string, content: Buffer | string) => {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
  };
  const parts = { images: await images(), layout: await layout(), csv: tables(), archives: await archives() };
  for (const [folder, files] of Object.entries(parts)) {
    for (const [name, content] of Object.entries(files)) await write(join(root, folder, name), content);
  }
  for (const [i, name] of oddNames.entries())
    await write(join(root, 'names', name), await jpegBytes({ seed: 100 + i }));
  for (const name of ['Thumbs.db', '.DS_Store', '__MACOSX/._with space.jpg'])
    await write(join(root, 'names', name), 'junk');
  await write(join(root, '../hostile-outside/secret.jpg'), await jpegBytes({ seed: 999 }));
  await mkdir(join(root, 'layout/train_images/empty_class'));
  const links = {
    'link-outside-abs.jpg': '/etc/hostname',
    'link-outside-rel.jpg': '../../../../hostile-outside/secret.jpg',
    'link-dangling.jpg': 'nowhere.jpg',
    loop: '..',
  };
  for (const [name, target] of Object.entries(links))
    await symlink(target, join(root, 'layout/train_images/blast', name));
}
