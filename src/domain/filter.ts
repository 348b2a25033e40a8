/**
 * The filter language of runs, used by run lists, leaderboards and ensemble members:
 *
 *     arch like vit* and status = SUCCEEDED
 *     (tag in (baseline, "long run") or epochs >= 12) and not valid/error_rate > 0.2
 *
 *     filter  = all { "or" all }          all = factor { "and" factor }
 *     factor  = "not" factor | "(" filter ")" | test
 *     test    = field ( "=" | "!=" ) value | field ( "<" | "<=" | ">" | ">=" ) number
 *             | field "like" glob | field "in" "(" value { "," value } ")"
 *
 * Text fields: id, name, architecture (or arch; aliases are resolved), status, kind, tag, item.method, sweep (id or name of any that shows it).
 * Number fields: size.height, size.width, accumulation, epochs, and every metric: a word with a `/`, or any quoted name.
 * A metric's value is the best of the run: its largest where `directionOf` says so, otherwise its smallest.
 * In a glob `*` stands for any characters and `?` for one. Comparison is case-sensitive but for keywords and enum values.
 * A missing value equals nothing and is neither above nor below anything; `!=` is the opposite of `=`.
 */

import { findArchitecture } from './architecture.ts';
import { type FilterToken, filterProblem, tokenizeFilter } from './filterTokens.ts';
import { type RunKind, runStatuses } from './run.ts';
import type { TrainingConfig } from './trainingConfig.ts';

const textFields = ['id', 'name', 'architecture', 'status', 'kind', 'tag', 'item.method', 'sweep'] as const;
const configNumbers = ['size.height', 'size.width', 'accumulation', 'epochs'] as const;
const deepest = 50;
const orders = ['<', '<=', '>', '>='] as const;

export type TextField = (typeof textFields)[number];
export type NumberField = (typeof configNumbers)[number] | { readonly metric: string };
export type NumberOperator = '=' | (typeof orders)[number];

export type Filter =
  | { readonly kind: 'and' | 'or'; readonly terms: readonly Filter[] }
  | { readonly kind: 'not'; readonly term: Filter }
  | { readonly kind: 'oneOf'; readonly field: TextField; readonly values: readonly string[] }
  | { readonly kind: 'like'; readonly field: TextField; readonly glob: string }
  | {
      readonly kind: 'number';
      readonly field: NumberField;
      readonly operator: NumberOperator;
      readonly value: number;
    };

/** Fields whose values are one of a few words. */
const enumerations: Partial<Record<TextField, readonly string[]>> = {
  status: runStatuses,
  kind: ['TRAINED', 'EXTERNAL', 'MEMORY_PROBE'] satisfies RunKind[],
  'item.method': ['CROP', 'SQUISH', 'PAD'] satisfies TrainingConfig['itemTransform']['method'][],
};

/**
 * Reads a filter.
 * @throws UserInputError INVALID on `path`, telling the position (from 1), what was expected there and what was found.
 */
export function parseFilter(text: string, path: readonly string[] = ['filter']): Filter {
  return new FilterParser(tokenizeFilter(text, path), path).parse();
}

/** Recursive descent over the grammar above. */
class FilterParser {
  private next = 0;
  private depth = 0;
  private readonly tokens: readonly FilterToken[];
  private readonly path: readonly string[];

  constructor(tokens: readonly FilterToken[], path: readonly string[]) {
    this.tokens = tokens;
    this.path = path;
  }

  parse(): Filter {
    const filter = this.chain('or');
    if (this.token.kind !== 'end') throw this.expected('"and", "or" or the end of the filter');
    return filter;
  }

  private chain(kind: 'or' | 'and'): Filter {
    const part = () => (kind === 'or' ? this.chain('and') : this.factor());
    const terms = [part()];
    while (this.take(kind)) terms.push(part());
    return terms.length === 1 ? terms[0]! : { kind, terms };
  }

  private factor(): Filter {
    const { position } = this.token;
    const negated = this.take('not');
    if (!negated && !this.take('(')) return this.test();
    if (++this.depth > deepest) {
      throw filterProblem(position, `"not" and parentheses nest at most ${deepest} deep`, this.path);
    }
    const inner = negated ? this.factor() : this.chain('or');
    if (!negated && !this.take(')')) throw this.expected('"and", "or" or ")"');
    this.depth--;
    return negated ? { kind: 'not', term: inner } : inner;
  }

  private test(): Filter {
    const field = this.field();
    if (this.take('!=')) return { kind: 'not', term: this.equal(field) };
    if (this.take('=')) return this.equal(field);
    if (this.take('in')) return this.list(field);
    if (typeof field === 'object') {
      const operator = orders.find((sign) => this.take(sign));
      if (!operator) throw this.expected('one of = != < <= > >= in');
      return { kind: 'number', field: field.number, operator, value: this.number() };
    }
    if (!this.take('like')) throw this.expected(`one of = != like in (${field} is text)`);
    const glob = this.value();
    return { kind: 'like', field, glob: enumerations[field] ? glob.text.toUpperCase() : glob.text };
  }

  private field(): TextField | { readonly number: NumberField } {
    const { kind, text } = this.token;
    const name = text === 'arch' ? 'architecture' : text;
    if (kind === 'quoted' || (kind === 'word' && text.includes('/'))) {
      this.next++;
      return { number: { metric: text } };
    }
    const textField = textFields.find((f) => f === name);
    const number = configNumbers.find((f) => f === name);
    if (kind !== 'word' || (!textField && !number)) {
      throw this.expected(
        `a field (${[...textFields, ...configNumbers].join(', ')} or a metric such as valid/error_rate)`,
      );
    }
    this.next++;
    return textField ?? { number: number! };
  }

  private equal(field: TextField | { readonly number: NumberField }): Filter {
    if (typeof field === 'object') return { kind: 'number', field: field.number, operator: '=', value: this.number() };
    return { kind: 'oneOf', field, values: [this.textOf(field)] };
  }

  private list(field: TextField | { readonly number: NumberField }): Filter {
    if (!this.take('(')) throw this.expected('"(" and a list of values');
    const terms: Filter[] = [];
    do terms.push(this.equal(field));
    while (this.take(','));
    if (!this.take(')')) throw this.expected('"," or ")"');
    if (typeof field === 'object') return { kind: 'or', terms };
    return { kind: 'oneOf', field, values: terms.flatMap((term) => (term.kind === 'oneOf' ? term.values : [])) };
  }

  /** A value to equal: enum values in any case, architectures by any of their names. */
  private textOf(field: TextField): string {
    const { text, position } = this.value();
    if (field === 'architecture') return findArchitecture(text)?.name ?? text;
    const allowed = enumerations[field];
    if (!allowed) return text;
    const upper = text.toUpperCase();
    if (allowed.includes(upper)) return upper;
    throw filterProblem(position, `${field} is one of ${allowed.join(', ')}, got ${JSON.stringify(text)}`, this.path);
  }

  private number(): number {
    const { text, position } = this.value('a number');
    const value = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
    if (Number.isFinite(value)) return value;
    throw filterProblem(position, `expected a number, found ${JSON.stringify(text)}`, this.path);
  }

  private value(what = 'a value'): FilterToken {
    const token = this.token;
    const keyword = token.kind === 'word' && /^(and|or|not|like|in)$/i.test(token.text);
    if (token.kind === 'sign' || token.kind === 'end' || keyword) throw this.expected(what);
    this.next++;
    return token;
  }

  private get token(): FilterToken {
    return this.tokens[this.next]!;
  }

  /** Steps over a sign or keyword when it comes next. */
  private take(expected: string): boolean {
    const { kind, text } = this.token;
    if (kind === 'quoted' || kind === 'end' || text.toLowerCase() !== expected) return false;
    this.next++;
    return true;
  }

  private expected(what: string): Error {
    const { kind, text, position } = this.token;
    const found = kind === 'end' ? 'the end of the filter' : JSON.stringify(text);
    return filterProblem(position, `expected ${what}, found ${found}`, this.path);
  }
}
