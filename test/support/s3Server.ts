/** The part of S3 that the store uses, over real HTTP: objects, ranges, lists by pages, uploads in parts. Signatures are not checked. */

import { createHash, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

export interface S3Server {
  readonly url: string;
  /** Objects of all buckets by `bucket/key`; tests may damage them. */
  readonly objects: Map<string, { bytes: Buffer; modified: Date }>;
  /** Answers given, as `PUT bucket/key`. */
  readonly requests: string[];
  /** Makes requests fail with this status while it returns one. */
  refuse: (request: string) => number | undefined;
  /** Uploads in parts that are neither complete nor aborted. */
  openUploads(): number;
  close(): Promise<void>;
}

/** Keys per page of a list. */
const pageSize = 3;

export async function startS3Server(buckets: readonly string[]): Promise<S3Server> {
  const objects: S3Server['objects'] = new Map();
  const uploads = new Map<string, Map<number, Buffer>>();
  const requests: string[] = [];

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url!, 'http://s3');
    const name = decodeURIComponent(url.pathname.slice(1));
    const [bucket = '', ...rest] = name.split('/');
    const call = `${request.method} ${name}`;
    const body = decodeBody(request, await buffer(request));
    requests.push(call);
    const refusal = server.refuse(call);
    if (refusal) return fail(response, refusal, refusal === 503 ? 'SlowDown' : 'InternalError');
    if (!buckets.includes(bucket)) return fail(response, 404, 'NoSuchBucket');
    if (!rest.join('/')) return list(response, bucket, url.searchParams);
    const uploadId = url.searchParams.get('uploadId');
    const store = (bytes: Buffer) => {
      objects.set(name, { bytes, modified: new Date() });
      response.setHeader('etag', etagOf(bytes));
    };
    switch (request.method) {
      case 'PUT':
        if (uploadId === null) store(body);
        else {
          const parts = uploads.get(uploadId);
          if (!parts) return fail(response, 404, 'NoSuchUpload');
          parts.set(Number(url.searchParams.get('partNumber')), body);
          response.setHeader('etag', etagOf(body));
        }
        return void response.end();
      case 'POST': {
        if (uploadId === null) {
          const id = randomUUID();
          uploads.set(id, new Map());
          return xml(
            response,
            `<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`,
          );
        }
        const parts = [...uploads.get(uploadId)!].sort(([a], [b]) => a - b).map(([, part]) => part);
        uploads.delete(uploadId);
        store(Buffer.concat(parts));
        return xml(response, '<CompleteMultipartUploadResult><ETag>"whole"</ETag></CompleteMultipartUploadResult>');
      }
      case 'DELETE':
        if (uploadId === null) objects.delete(name);
        else uploads.delete(uploadId);
        response.statusCode = 204;
        return void response.end();
      default:
        send(request, response, name);
    }
  }

  function send(request: IncomingMessage, response: ServerResponse, name: string): void {
    const object = objects.get(name);
    if (!object) {
      fail(response, 404, 'NoSuchKey');
      return;
    }
    response.setHeader('last-modified', object.modified.toUTCString());
    response.setHeader('etag', etagOf(object.bytes));
    response.setHeader('content-length', object.bytes.length);
    response.end(request.method === 'HEAD' ? undefined : object.bytes);
  }

  function list(response: ServerResponse, bucket: string, query: URLSearchParams): void {
    const prefix = `${bucket}/${query.get('prefix') ?? ''}`;
    const after = query.get('continuation-token') ?? '';
    const keys = [...objects.keys()].filter((key) => key.startsWith(prefix) && key > after).sort();
    const page = keys.slice(0, pageSize);
    const contents = page.map((key) => {
      const { bytes, modified } = objects.get(key)!;
      const fields = `<Key>${key.slice(bucket.length + 1)}</Key><Size>${bytes.length}</Size>`;
      return `<Contents>${fields}<LastModified>${modified.toISOString()}</LastModified></Contents>`;
    });
    const more = keys.length > page.length;
    const next = more ? `<NextContinuationToken>${page.at(-1)}</NextContinuationToken>` : '';
    xml(response, `<ListBucketResult><IsTruncated>${more}</IsTruncated>${contents.join('')}${next}</ListBucketResult>`);
  }

  const http = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const server: S3Server = {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    objects,
    requests,
    refuse: () => undefined,
    openUploads: () => uploads.size,
    close: () => {
      http.closeAllConnections();
      return new Promise((resolve) => http.close(() => resolve()));
    },
  };
  return server;
}

/** Streams are sent in chunks with a checksum behind them. */
function decodeBody(request: IncomingMessage, body: Buffer): Buffer {
  if (!request.headers['content-encoding']?.includes('aws-chunked')) return body;
  const chunks: Buffer[] = [];
  for (let at = 0; ; ) {
    const lineEnd = body.indexOf('\r\n', at);
    const size = Number.parseInt(body.toString('latin1', at, lineEnd), 16);
    if (!size) return Buffer.concat(chunks);
    chunks.push(body.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = lineEnd + 2 + size + 2;
  }
}

function etagOf(bytes: Buffer): string {
  return `"${createHash('md5').update(bytes).digest('hex')}"`;
}

function xml(response: ServerResponse, content: string): void {
  response.setHeader('content-type', 'application/xml');
  response.end(`<?xml version="1.0" encoding="UTF-8"?>${content}`);
}

function fail(response: ServerResponse, status: number, code: string): void {
  response.statusCode = status;
  xml(response, `<Error><Code>${code}</Code><Message>${code}</Message></Error>`);
}
