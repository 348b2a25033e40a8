/** Words, quoted strings and signs of the filter language. */

import { refuse, type UserInputError } from '../errors.ts';

export type FilterToken =
  | { readonly kind: 'word' | 'quoted'; readonly text: string; readonly position: number }
  | { readonly kind: 'sign'; readonly text: FilterSign; readonly position: number }
  | { readonly kind: 'end'; readonly text: ''; readonly position: number };

export type FilterSign = '(' | ')' | ',' | '=' | '!=' | '<' | '<=' | '>' | '>=';

/** Longest filter taken, in UTF-16 units. */
const longest = 4000;

const scanner =
  /\s+|(?<sign><=|>=|!=|[()=<>,])|"(?<double>(?:[^"\\]|\\.)*)"|'(?<single>(?:[^'\\]|\\.)*)'|(?<word>[^\s()=!<>,"']+)/suy;

/** Splits a filter; the last token is of kind `end`. Positions count from 1. Quotes are escaped by a backslash. */
export function tokenizeFilter(text: string, path: readonly string[]): FilterToken[] {
  if (text.length > longest) {
    throw refuse('LIMIT_EXCEEDED', `a filter has at most ${longest} characters, got ${text.length}`, path);
  }
  const nul = text.indexOf('\0');
  if (nul >= 0) throw filterProblem(nul + 1, 'a filter must not hold the character U+0000', path);
  const tokens: FilterToken[] = [];
  scanner.lastIndex = 0;
  while (scanner.lastIndex < text.length) {
    const position = scanner.lastIndex + 1;
    const match = scanner.exec(text);
    if (!match) throw unreadable(text, position, path);
    const { sign, double, single, word } = match.groups!;
    const quoted = double ?? single;
    if (sign !== undefined) tokens.push({ kind: 'sign', text: sign as FilterSign, position });
    else if (word !== undefined) tokens.push({ kind: 'word', text: word, position });
    else if (quoted !== undefined) {
      tokens.push({ kind: 'quoted', text: quoted.replaceAll(/\\(.)/gsu, '$1'), position });
    }
  }
  tokens.push({ kind: 'end', text: '', position: text.length + 1 });
  return tokens;
}

export function filterProblem(position: number, message: string, path: readonly string[]): UserInputError {
  return refuse('INVALID', `position ${position}: ${message}`, path);
}

function unreadable(text: string, position: number, path: readonly string[]): UserInputError {
  const sign = text[position - 1]!;
  return filterProblem(position, sign === '!' ? 'write != or not' : `the quote ${sign} is never closed`, path);
}
