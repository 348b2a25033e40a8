/** Which field of the form a refusal concerns. */

import { sentence } from '../../format/sentence.ts';
import type { Draft, Problem } from './draft.ts';
import { findField, partsOf } from './fields.ts';

export interface PlacedProblems {
  /** By key of the form: a field's, `architectures`, `preprocessings`, `preprocessings.0.size`, `name`, `tags`. */
  readonly fields: Readonly<Record<string, string>>;
  /** What no field of the form is to blame for. */
  readonly others: readonly string[];
}

export function placeProblems(problems: readonly Problem[], draft: Draft): PlacedProblems {
  const fields: Record<string, string[]> = {};
  const others: string[] = [];
  for (const { path, message } of problems) {
    const place = placeOf(path, draft);
    if (!place) others.push(sentence(message, path[0] === 'config' ? path.slice(1).join('.') : undefined));
    else {
      fields[place.key] = [...(fields[place.key] ?? []), sentence(message, place.value)];
    }
  }
  return {
    fields: Object.fromEntries(Object.entries(fields).map(([key, texts]) => [key, [...new Set(texts)].join('\n')])),
    others: [...new Set(others)],
  };
}

/** A problem away from its field: what it is about, and what is wrong. */
export function problemText({ path, message }: Problem): string {
  const [root, head = '', ...rest] = path;
  if (root !== 'config') return sentence(message);
  const inner = rest.find((part) => !/^\d+$/.test(part));
  const field = findField(head) ?? findField(`${head}.${inner ?? ''}`);
  return sentence(message, field?.label ?? head);
}

interface Place {
  readonly key: string;
  /** Which of several values it is about. */
  readonly value?: string | undefined;
}

function placeOf(path: readonly string[], draft: Draft): Place | null {
  const [root, ...rest] = path;
  switch (root) {
    case 'name':
      return { key: 'name' };
    case 'tags':
      return { key: 'tags' };
    case 'architectures':
      return { key: 'architectures' };
    case 'preprocessings':
      return placeOfPreprocessing(rest);
    case 'config':
      return placeOfConfig(rest, draft);
    default:
      return null;
  }
}

function placeOfPreprocessing([index, part]: readonly string[]): Place {
  if (index === undefined) return { key: 'preprocessings' };
  const keys: Readonly<Record<string, string>> = { name: 'name', size: 'size', itemTransform: 'itemSize' };
  const key = keys[part ?? ''];
  return { key: key ? `preprocessings.${index}.${key}` : 'preprocessings' };
}

function placeOfConfig(path: readonly string[], draft: Draft): Place | null {
  const [head, ...rest] = path;
  if (head === 'architecture') return { key: 'architectures' };
  if (head === 'size' || head === 'itemTransform') return placeOfPreprocessing(['0', head]);
  const field = findField(head ?? '');
  if (field) {
    const parts = partsOf(field, draft.values[field.key] ?? '');
    const index = Number(rest[0]);
    return { key: field.key, value: field.several && parts.length > 1 ? parts[index] : undefined };
  }
  // `predict` is a list of objects in a sweep.
  const inner = rest.find((part) => !/^\d+$/.test(part));
  const nested = findField(inner === undefined ? '' : `${head}.${inner}`);
  if (nested) return { key: nested.key };
  return head === 'checkpoints' ? { key: 'checkpoints.keepLast' } : null;
}
