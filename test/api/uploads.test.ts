import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { expireUploads } from '../../src/commands/upload.ts';
import { importDatasetJob } from '../../src/worker/datasetImport.ts';
import { type ApiServer, apiServer } from '../support/apiServer.ts';
import { zipBytes } from '../support/archiveFiles.ts';
import { silent, testContext } from '../support/commandContext.ts';
import { openFiles } from '../support/filePolicy.ts';
import { jpegBytes } from '../support/imageFiles.ts';

const limit = 3_000_000;
let server: ApiServer;
let archive: Buffer;
beforeAll(async () => {
  const context = await testContext();
  server = await apiServer({
    context: { ...context, files: { ...openFiles(context.files.home), uploadLimitBytes: limit } },
  });
  archive = zipBytes(
    await Promise.all(
      ['rust/1.jpg', 'rust/2.jpg', 'blight/3.jpg', 'blight/4.jpg'].map(async (name, seed) => ({
        name,
        data: await jpegBytes({ seed }),
      })),
    ),
  );
});
afterAll(async () => {
  await server.close();
  await server.context.close();
});

type Body = NonNullable<RequestInit['body']> | Buffer;

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const uploads = () => server.context.db.prisma.upload.findMany();
/** Files in the folder of blobs, drafts among them. */
async function stored(): Promise<string[]> {
  const entries = await readdir(server.context.files.home, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
}

async function send(method: string, where: string, body: Body, headers: Record<string, string> = {}) {
  const response = await fetch(`${server.url}${where}`, {
    method,
    body: body as NonNullable<RequestInit['body']>,
    headers,
    // What streams needs it.
    duplex: 'half',
  } as RequestInit);
  // biome-ignore lint/suspicious/noExplicitAny: answers are looked into field by field
  return { status: response.status, body: (await response.json()) as any };
}

const form = (files: Record<string, Uint8Array>) => {
  const data = new FormData();
  data.set('comment', 'hello');
  for (const [name, bytes] of Object.entries(files)) data.append('file', new Blob([Buffer.from(bytes)]), name);
  return data;
};

describe('an upload', () => {
  it.each([
    ['POST', '/uploads?name=leaves.zip', () => archive],
    ['PUT', '/uploads/leaves.zip', () => archive],
    ['POST', '/uploads', () => form({ '../../leaves.zip': archive })],
  ])('by %s %s is stored under its hash, and its id imports it', async (method, where, body) => {
    const { status, body: upload } = await send(method, where, body());
    expect(status).toBe(201);
    expect(upload).toEqual({
      id: expect.stringMatching(/^upl_/),
      name: 'leaves.zip',
      size: archive.length,
      contentHash: sha256(archive),
      expiresAt: expect.any(String),
    });
    expect(new Date(upload.expiresAt).getTime() - Date.now()).toBeGreaterThan(86_000_000);
    expect(await stored()).toContain(upload.contentHash);

    const { importDataset } = await server.ask(
      'mutation ($input: ImportDatasetInput!) { importDataset(input: $input) { dataset { id archiveName archiveHash path } userErrors { message } } }',
      { input: { name: `of ${where} ${method}`, uploadId: upload.id } },
    );
    const { id, archiveName, archiveHash } = importDataset.dataset;
    expect([archiveName, archiveHash]).toEqual([upload.name, upload.contentHash]);
    await importDatasetJob(server.context, id, { signal: new AbortController().signal, log: silent });
    const { dataset } = await server.ask('query ($id: ID!) { dataset(id: $id) { status path trainCount } }', { id });
    expect(dataset).toEqual({ status: 'READY', path: `datasets/${id}/files`, trainCount: 4 });
  });

  it('that is empty, too large or no form is refused, and nothing is kept', async () => {
    const before = [await uploads(), await stored()];
    const large = Buffer.alloc(limit + 1, 1);
    const refused = async (answer: ReturnType<typeof send>) => {
      const { status, body } = await answer;
      return `${status}: ${body.errors[0].message}`;
    };
    expect(await refused(send('POST', '/uploads', ''))).toMatch(
      /^400: the upload is empty; send an archive as the body/,
    );
    expect(await refused(send('POST', '/uploads', large))).toMatch(
      /^413: an upload may have 3000000 bytes \(RUNGRAPH_UPLOAD_BYTES\)/,
    );
    expect(await refused(send('POST', '/uploads', form({ 'a.zip': large })))).toMatch(
      /^413: an upload may have 3000000/,
    );
    expect(await refused(send('POST', '/uploads', form({ a: archive, b: archive })))).toMatch(
      /^400: the form has more than one file/,
    );
    expect(await refused(send('POST', '/uploads', form({})))).toMatch(
      /^400: the form has no file; send it as one of its fields/,
    );
    expect(await refused(send('POST', '/uploads', 'x', { 'content-type': 'multipart/form-data' }))).toMatch(
      /^400: the form cannot be read/,
    );
    // The first file is whole long before the second one begins.
    const file = (name: string, data: string) =>
      `--b\r\ncontent-disposition: form-data; name="file"; filename="${name}"\r\n\r\n${data}\r\n`;
    const late = async function* () {
      const [first, second] = [`${file('a.zip', 'first')}--b`, `${file('b.zip', 'second')}--b--\r\n`];
      yield Buffer.from(first);
      await expect.poll(async () => (await stored()).length).toBe(before[1]!.length + 1);
      yield Buffer.from(second.slice('--b'.length));
    };
    const type = { 'content-type': 'multipart/form-data; boundary=b' };
    expect(await refused(send('POST', '/uploads', ReadableStream.from(late()) as ReadableStream, type))).toMatch(
      /^400: the form has more than one file/,
    );
    const many = '--b\r\ncontent-disposition: form-data; name="x"\r\n\r\ny\r\n'.repeat(11);
    expect(await refused(send('POST', '/uploads', `${file('a.zip', 'first')}${many}--b--\r\n`, type))).toMatch(
      /^400: the form has more than 11 parts; send the file alone/,
    );
    const half = `${file('a.zip', 'whole')}--b\r\ncontent-disposition: form-data; name="x"\r\n\r\ncut off`;
    expect(await refused(send('POST', '/uploads', half, type))).toMatch(/^400: the form is damaged: /);
    const cut = ['--b', 'content-disposition: form-data; name="file"; filename="a.zip"', '', 'half'].join('\r\n');
    expect(await refused(send('POST', '/uploads', cut, type))).toMatch(/^400: the form is damaged: /);
    await expect.poll(async () => [await uploads(), await stored()]).toEqual(before);
  });

  it.each(['application/zip', 'multipart/form-data; boundary=b'])(
    'of %s that breaks off leaves nothing',
    async (type) => {
      const before = [await uploads(), await stored()];
      const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
      const head = [
        'POST /uploads HTTP/1.1',
        `host: ${new URL(server.url).host}`,
        'content-length: 1000000',
        `content-type: ${type}`,
      ];
      socket.write(
        [...head, '', '--b', 'content-disposition: form-data; name="file"; filename="a.zip"', '', ''].join('\r\n'),
      );
      socket.write(Buffer.alloc(500_000, 1));
      // It is being written …
      await expect.poll(async () => (await stored()).length).toBe(before[1]!.length + 1);
      await cutOff(socket);
      // … and given up.
      await expect.poll(async () => (await stored()).length).toBe(before[1]!.length);
      expect(await uploads()).toEqual(before[0]);
      // Who did not wait is the cause, not we.
      const audited = () => server.context.db.prisma.auditEntry.findFirst({ orderBy: { id: 'desc' } });
      await expect.poll(audited).toMatchObject({ operation: 'upload', outcome: 'REFUSED', codes: ['INVALID'] });
      expect((await send('POST', '/uploads', archive)).status).toBe(201);
    },
  );

  it('that streams without a length is stopped at the limit', async () => {
    const chunk = Buffer.alloc(100_000, 1);
    let sent = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        sent += chunk.length;
        controller.enqueue(chunk);
      },
    });
    const init = { method: 'POST', body: endless, duplex: 'half' } as RequestInit;
    // The answer may be overtaken by the end of the connection.
    const status = await fetch(`${server.url}/uploads`, init).then(
      (response) => response.status,
      () => 413,
    );
    expect(status).toBe(413);
    expect(sent).toBeLessThan(100 * limit);
    await expect.poll(async () => (await stored()).filter((name) => name.includes('-'))).toEqual([]);
  });

  it('that announces more than there is room for is refused before it comes', async () => {
    const { context } = server;
    const full = await apiServer({ context: { ...context, files: { ...context.files, uploadsLimitBytes: 1000 } } });
    onTestFinished(full.close);
    const { hostname, port } = new URL(full.url);
    const socket = connect(Number(port), hostname);
    onTestFinished(() => void socket.destroy());
    const answer = once(socket, 'data');
    socket.write(
      `POST /uploads HTTP/1.1\r\nhost: ${hostname}\r\ncontent-type: application/zip\r\ncontent-length: 1001\r\n\r\n`,
    );
    expect(String(await answer)).toMatch(
      /^HTTP\/1\.1 413 [\s\S]*uploads that wait to be imported may have 1000 bytes together/,
    );
  });

  it('goes after a day, and its bytes stay while a data set needs them', async () => {
    const used = (await send('POST', '/uploads', archive)).body;
    const unused = (await send('POST', '/uploads', Buffer.from('nobody imports this'))).body;
    const later = { ...server.context, now: () => new Date(Date.now() + 86_400_001) };
    const { blobs } = server.context;
    expect(await blobs.has(unused.contentHash)).toBe(true);
    await expireUploads(later);
    expect(await uploads()).toEqual([]);
    expect(await blobs.has(unused.contentHash)).toBe(false);
    expect(await blobs.has(used.contentHash)).toBe(true);

    const { importDataset } = await server.ask(
      'mutation ($input: ImportDatasetInput!) { importDataset(input: $input) { userErrors { code path message } } }',
      { input: { name: 'too late', uploadId: used.id } },
    );
    expect(importDataset.userErrors).toEqual([
      {
        code: 'NOT_FOUND',
        path: ['uploadId'],
        message: `there is no upload ${used.id}, or it has expired; send the archive again`,
      },
    ]);
  });

  it('gives its bytes to the data set made of it, which takes them with it', async () => {
    const { blobs, files } = server.context;
    const bytes = zipBytes([{ name: 'a/1.jpg', data: await jpegBytes({ seed: 77 }) }]);
    const { id: uploadId, contentHash } = (await send('POST', '/uploads', bytes)).body;
    const { importDataset } = await server.ask(
      'mutation ($input: ImportDatasetInput!) { importDataset(input: $input) { dataset { id } } }',
      { input: { name: 'short-lived', uploadId } },
    );
    const { id } = importDataset.dataset;
    await importDatasetJob(server.context, id, { signal: new AbortController().signal, log: silent });
    expect(await readdir(path.join(files.home, 'datasets'))).toContain(id);
    await expireUploads({ ...server.context, now: () => new Date(Date.now() + 86_400_001) });
    expect(await blobs.has(contentHash)).toBe(true);
    await server.ask('mutation ($id: ID!) { deleteDataset(id: $id) { deletedId } }', { id });
    expect(await blobs.has(contentHash)).toBe(false);
    expect(await readdir(path.join(files.home, 'datasets'))).not.toContain(id);
  });
});

async function cutOff(socket: Socket): Promise<void> {
  socket.destroy();
  await once(socket, 'close');
}
