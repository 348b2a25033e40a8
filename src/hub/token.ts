import { readFileSync } from 'node:fs';
import { messageOf } from '../errors.ts';
import { HubError } from './errors.ts';

/**
 * The access token that the Hugging Face libraries have saved in `file`; undefined where there is none.
 * @throws HubError, which does not show it, when the file cannot be read or holds something else
 */
export function readToken(file: string): string | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8').trim();
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw new HubError(`the access token in ${file} cannot be read: ${messageOf(error)}; ${remedy}`);
  }
  if (!/^[\x21-\x7e]*$/.test(text)) throw new HubError(`${file} holds no access token of one word; ${remedy}`);
  return text || undefined;
}

const remedy = 'log in again with huggingface-cli, set HF_TOKEN, or name another file by HF_TOKEN_PATH';
