/** The state of the form in the page's link: what differs from where it began. */

import type { Draft, Method, Preprocessing } from './draft.ts';
import { allFields } from './fields.ts';

const methods: readonly Method[] = ['CROP', 'SQUISH', 'PAD'];

/** The draft that a link tells of. `get`: values of the link's search part. */
export function readDraft(base: Draft, get: (key: string) => string | null): Draft {
  const architectures = get('arch');
  const preprocessings = get('prep');
  const values = allFields.map(({ key }) => [key, get(key) ?? base.values[key] ?? ''] as const);
  return {
    architectures: architectures === null ? base.architectures : splitList(architectures).map(decodePart),
    preprocessings: preprocessings === null ? base.preprocessings : splitList(preprocessings).map(readPreprocessing),
    values: Object.fromEntries(values),
    name: get('name') ?? base.name,
    tags: get('tags') ?? base.tags,
    skipIdentical: (get('skip') ?? String(base.skipIdentical)) === 'true',
  };
}

/** What the link has to say of the draft; null: nothing, for it is as in `base`. */
export function linkOf(base: Draft, draft: Draft): Readonly<Record<string, string | null>> {
  const differing = (before: string, after: string) => (before === after ? null : after);
  const text = ({ architectures, preprocessings }: Draft) => ({
    arch: architectures.map(encodePart).join(','),
    prep: preprocessings.map(writePreprocessing).join(','),
  });
  return {
    arch: differing(text(base).arch, text(draft).arch),
    prep: differing(text(base).prep, text(draft).prep),
    ...Object.fromEntries(
      allFields.map(({ key }) => [key, differing(base.values[key] ?? '', draft.values[key] ?? '')]),
    ),
    name: differing(base.name, draft.name),
    tags: differing(base.tags, draft.tags),
    skip: differing(String(base.skipIdentical), String(draft.skipIdentical)),
  };
}

function splitList(text: string): readonly string[] {
  return text === '' ? [] : text.split(',');
}

/** `squish:480:224`, `crop:640x480:320x224:tall` */
function writePreprocessing({ name, method, itemSize, size }: Preprocessing): string {
  return [method.toLowerCase(), itemSize, size, ...(name ? [name] : [])].map(encodePart).join(':');
}

function readPreprocessing(text: string): Preprocessing {
  const [method = '', itemSize = '', size = '', name = ''] = text.split(':').map(decodePart);
  return { name, method: methods.find((one) => one.toLowerCase() === method) ?? 'SQUISH', itemSize, size };
}

/** Only what separates is written otherwise, so that links stay readable: `~2c` for a comma. */
function encodePart(part: string): string {
  return part.replace(/[~,:]/g, (sign) => `~${sign.charCodeAt(0).toString(16)}`);
}

function decodePart(part: string): string {
  return part.replace(/~(7e|2c|3a)/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}
