/** Archives come in here: as the body, or as the one file of a form. They go to the blobs as they arrive. */

import type { Readable } from 'node:stream';
import { Busboy, type BusboyInstance } from '@fastify/busboy';
import { Router as createRouter, type Request, type RequestHandler, type Router } from 'express';
import { askerOf, audited } from '../commands/audit.ts';
import { type Arriving, storeUpload, tooLarge } from '../commands/upload.ts';
import { messageOf, refuse, UserInputError } from '../errors.ts';
import type { Services } from '../graphql/context.ts';
import type { Upload } from '../store/upload.ts';
import { requestInfo, requireScope } from './auth/authenticate.ts';
import { sendError } from './requests.ts';

/** Milliseconds without a byte after which an upload is given up. */
const patience = 60_000;

/** Milliseconds for which a refused upload is read on. */
const linger = 1_000;

/** What a form may have beside its file. */
const formLimits = {
  files: 1,
  fields: 10,
  fieldSize: 1024,
  fieldNameSize: 100,
  parts: 11,
  headerPairs: 50,
  headerSize: 8192,
};

/** Statuses of refusals; those of others are 400. */
const statuses: Readonly<Record<string, number>> = { LIMIT_EXCEEDED: 413, UNAVAILABLE: 507 };

/** Bytes of a form beside its file. */
const mostAroundFile = 2 ** 16;

/** POST /uploads, and PUT /uploads/NAME as `curl -T` does. Needs the scope WRITE. */
export function uploadRoutes({ commands }: Pick<Services, 'commands'>): Router {
  const { uploadLimitBytes } = commands.files;
  const arriving: Arriving = { bytes: 0 };
  const store = (name: string, content: AsyncIterable<Uint8Array>, announced: number) =>
    storeUpload(commands, { name, content, announced, arriving });

  const receive: RequestHandler = async (request, response) => {
    request.setTimeout(patience, () => request.destroy());
    try {
      const announced = announcedBytes(request);
      if (announced > uploadLimitBytes) throw tooLarge(uploadLimitBytes);
      const upload = await audited(
        commands,
        askerOf(requestInfo(response)),
        { operation: 'upload', ids: [] },
        () =>
          (isForm(request)
            ? receiveForm(request, (name, content) => store(name, content, announced))
            : store(nameOf(request), chunksOf(request), announced)
          ).catch((error) => {
            throw request.errored ? refuse('INVALID', 'the upload broke off before its end') : error;
          }),
        (stored) => ({ outcome: 'SUCCEEDED', codes: [], ids: [stored.id] }),
      );
      const { id, name, size, contentHash, expiresAt } = upload;
      response.status(201).json({ id, name, size, contentHash, expiresAt });
    } catch (error) {
      // It has gone away: nobody waits for an answer.
      if (request.destroyed && !request.complete) return;
      if (!(error instanceof UserInputError)) throw error;
      const [{ code, message }] = error.problems as [UserInputError['problems'][number]];
      if (!request.complete) {
        // The rest is not waited for; but what is under way must be taken, or the client would not get to read the answer.
        response.set('connection', 'close');
        request.resume();
        response.once('finish', () => setTimeout(() => request.destroy(), linger).unref());
      }
      sendError(response, statuses[code] ?? 400, message, code);
    } finally {
      request.setTimeout(0);
    }
  };

  const router = createRouter();
  router.use('/uploads', requireScope('WRITE'));
  router.post('/uploads', receive);
  router.put(['/uploads', '/uploads/:name'], receive);
  return router;
}

/** Without the end of reading being the end of the connection, over which the answer goes. */
function chunksOf(stream: Readable): AsyncIterable<Uint8Array> {
  return stream.iterator({ destroyOnReturn: false });
}

function isForm({ headers }: Request): boolean {
  return /^multipart\/form-data\b/i.test(headers['content-type'] ?? '');
}

/** How long the file is at least, when the request says how long it is itself: a form has something around its file. */
function announcedBytes(request: Request): number {
  const length = Number(request.headers['content-length'] ?? 0);
  return isForm(request) ? Math.max(0, length - mostAroundFile) : length;
}

function nameOf({ params, query }: Request): string {
  if (typeof params.name === 'string') return params.name;
  return typeof query.name === 'string' ? query.name : '';
}

/** Stores the file of a form, when the whole form is there and has no other one: nothing is stored of a form that is refused or cut off. */
async function receiveForm(
  request: Request,
  store: (name: string, content: AsyncIterable<Uint8Array>) => Promise<Upload>,
): Promise<Upload> {
  const parser = openParser(request);
  let stored: Promise<Upload> | undefined;
  const whole = new Promise<void>((resolve, reject) => {
    let file: Readable | undefined;
    const fail = (error: unknown) => {
      request.unpipe(parser);
      reject(error);
      file?.destroy(error as Error);
    };
    const damaged = (error: unknown) => fail(refuse('INVALID', `the form is damaged: ${messageOf(error)}`));
    parser.on('file', (_field, stream, name) => {
      file = stream;
      stream.on('error', damaged);
      stored = store(name ?? '', untilWhole(stream));
      stored.catch(fail);
    });
    parser.on('filesLimit', () => fail(refuse('INVALID', 'the form has more than one file; send one at a time')));
    parser.on('partsLimit', () => {
      fail(refuse('INVALID', `the form has more than ${formLimits.parts} parts; send the file alone`));
    });
    parser.on('error', damaged);
    parser.on('finish', resolve);
    request.on('close', () => {
      if (!request.complete) fail(new Error('the request was cut off'));
    });
  });
  /** Ends with the form: who stores the file has not seen all of it before. */
  async function* untilWhole(file: Readable): AsyncGenerator<Uint8Array> {
    yield* chunksOf(file);
    await whole;
  }
  request.pipe(parser);
  try {
    await whole;
  } catch (error) {
    // Not before nothing is written any more.
    await stored?.catch(() => {});
    throw error;
  }
  if (stored) return stored;
  throw refuse('INVALID', 'the form has no file; send it as one of its fields, e.g. curl -F file=@images.zip');
}

/** @throws UserInputError when the headers say nothing of what is between parts */
function openParser({ headers }: Request): BusboyInstance {
  try {
    return new Busboy({ headers: { ...headers, 'content-type': headers['content-type']! }, limits: formLimits });
  } catch (error) {
    throw refuse('INVALID', `the form cannot be read: ${messageOf(error)}`);
  }
}
