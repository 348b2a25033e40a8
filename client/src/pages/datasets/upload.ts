/** Sends a file to the server and tells how far it is; what `fetch` cannot. */

import { toLogin } from '../../api/login.ts';

export interface SentUpload {
  readonly id: string;
  readonly name: string;
  readonly size: number;
  readonly contentHash: string;
}

/** It was not taken, or broke off; in words for people. */
class UploadError extends Error {
  override readonly name = 'UploadError';
}

/** By `Sending.cancel`. */
export class UploadCanceled extends Error {
  override readonly name = 'UploadCanceled';
}

export interface Sending {
  readonly done: Promise<SentUpload>;
  /** Ends it: `done` is rejected with UploadCanceled. */
  cancel(): void;
}

/** `POST /uploads` with the file as the body. `onProgress`: bytes that have left. */
export function sendFile(file: File, onProgress: (sent: number) => void): Sending {
  const request = new XMLHttpRequest();
  const done = new Promise<SentUpload>((resolve, reject) => {
    const fail = (message: string) => reject(new UploadError(message));
    request.upload.onprogress = ({ loaded }) => onProgress(loaded);
    request.onload = () => {
      if (request.status === 401) return toLogin();
      if (request.status === 201) resolve(request.response as SentUpload);
      else fail(refusalOf(request.response) ?? `The server answered with status ${request.status}`);
    };
    request.onerror = () => fail('The connection broke off before everything was sent');
    request.onabort = () => reject(new UploadCanceled());
  });
  request.open('POST', `/uploads?name=${encodeURIComponent(file.name)}`);
  request.setRequestHeader('content-type', 'application/octet-stream');
  request.responseType = 'json';
  request.send(file);
  return { done, cancel: () => request.abort() };
}

function refusalOf(answer: unknown): string | null {
  const message = (answer as { errors?: readonly { message?: unknown }[] } | null)?.errors?.[0]?.message;
  return typeof message === 'string' ? message : null;
}

/** A place in a transfer. `at`: milliseconds. */
export interface Mark {
  readonly at: number;
  readonly sent: number;
}

/** Marks of the last seconds: the oldest of them is what the speed is measured from. */
export function remember(marks: readonly Mark[], mark: Mark, window = 5_000): readonly Mark[] {
  const kept = marks.filter(({ at }) => mark.at - at <= window);
  return [...kept, mark];
}

/** Bytes a second and seconds left; nulls while too little is known. */
export function pace(
  marks: readonly Mark[],
  size: number,
): { readonly rate: number | null; readonly left: number | null } {
  const [first, last] = [marks[0], marks.at(-1)];
  if (!first || !last || last.at - first.at < 500 || last.sent <= first.sent) return { rate: null, left: null };
  const rate = ((last.sent - first.sent) / (last.at - first.at)) * 1000;
  return { rate, left: (size - last.sent) / rate };
}
