/** What `weightsUri` of a config may say. */

import { fileURLToPath } from 'node:url';
import { messageOf } from '../errors.ts';
import { type HubReference, isRepository, parseHubReference } from './hubReference.ts';

export type WeightsSource =
  /** A file or folder of the worker's machine; a relative path counts from where the worker was started. */
  | { readonly kind: 'path'; readonly path: string }
  | { readonly kind: 'hub'; readonly reference: HubReference }
  /** `owner/name`: a path where the worker has one of that name, else a repository of the hub. */
  | { readonly kind: 'either'; readonly path: string; readonly reference: HubReference };

export type ParsedWeightsUri =
  | { readonly source: WeightsSource; readonly problem?: undefined }
  /** Why it is none: goes on from `weightsUri "…" `. */
  | { readonly source?: undefined; readonly problem: string };

/**
 * The text as messages may show it: of a URL neither user name and password nor what follows the path, where signatures and tokens
 * stand.
 */
export function showUri(uri: string): string {
  const shown = uri
    .replace(/^([a-z][a-z0-9+.-]*:(?:\/\/)?)[^/?#]*@/i, '$1…@')
    .replace(/^([a-z][a-z0-9+.-]*:[^?#]*)[?#].*$/is, '$1?…');
  return JSON.stringify(shown);
}

/** Reads a path, `file:` URL, `hf://owner/name[@revision][/file]` or `owner/name`. Looks at the text only. */
export function parseWeightsUri(uri: string): ParsedWeightsUri {
  if (uri.trim() === '') return { problem: 'is only spaces; leave it out for the weights that timm publishes' };
  if (/[\0\p{Surrogate}]/u.test(uri)) return { problem: 'holds U+0000 or half a surrogate pair, which no path has' };
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(uri)?.[1]?.toLowerCase();
  switch (scheme) {
    case 'file':
      return parseFileUrl(uri);
    case 'hf': {
      const reference = parseHubReference(uri);
      return reference
        ? { source: { kind: 'hub', reference } }
        : { problem: 'does not read hf://owner/repository[@revision][/file]' };
    }
    case undefined: {
      const isName = isRepository(uri) && !/\.(safetensors|bin|pth|pt)$/i.test(uri);
      if (!isName) return { source: { kind: 'path', path: uri } };
      return { source: { kind: 'either', path: uri, reference: { repository: uri, revision: 'main', file: null } } };
    }
    default:
      return { problem: 'is neither a path nor a file: nor an hf:// URL' };
  }
}

function parseFileUrl(uri: string): ParsedWeightsUri {
  try {
    return { source: { kind: 'path', path: fileURLToPath(uri) } };
  } catch (error) {
    return { problem: `names no file of the worker's machine (${messageOf(error)})` };
  }
}
