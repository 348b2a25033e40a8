/** The meaning of filters written down a second time, without SQL: what src/store/filterSql.ts is compared with. */

import type { Filter, NumberField, NumberOperator, TextField } from '../../src/domain/filter.ts';
import type { RunKind, RunStatus } from '../../src/domain/run.ts';
import type { TrainingConfig } from '../../src/domain/trainingConfig.ts';

/** What a filter looks at. */
export interface RunFacts {
  readonly id: string;
  readonly name: string;
  readonly kind: RunKind;
  readonly status: RunStatus;
  readonly tags: readonly string[];
  readonly config: Pick<TrainingConfig, 'architecture' | 'size' | 'itemTransform' | 'accumulation' | 'epochs'>;
  readonly sweep: { readonly id: string; readonly name: string } | null;
  /** Best finite value by metric name. */
  readonly metrics: ReadonlyMap<string, number>;
}

/** Whether a run passes a filter. */
export function matches(filter: Filter, run: RunFacts): boolean {
  switch (filter.kind) {
    case 'and':
      return filter.terms.every((term) => matches(term, run));
    case 'or':
      return filter.terms.some((term) => matches(term, run));
    case 'not':
      return !matches(filter.term, run);
    case 'oneOf':
      return textsOf(run, filter.field).some((text) => filter.values.includes(text));
    case 'like': {
      const pattern = globPattern(filter.glob);
      return textsOf(run, filter.field).some((text) => pattern.test(text));
    }
    case 'number': {
      const value = numberOf(run, filter.field);
      return value !== undefined && compare(value, filter.operator, filter.value);
    }
  }
}

function textsOf(run: RunFacts, field: TextField): readonly string[] {
  switch (field) {
    case 'architecture':
      return [run.config.architecture];
    case 'item.method':
      return [run.config.itemTransform.method];
    case 'tag':
      return run.tags;
    case 'sweep':
      return run.sweep ? [run.sweep.id, run.sweep.name] : [];
    default:
      return [run[field]];
  }
}

function numberOf(run: RunFacts, field: NumberField): number | undefined {
  if (typeof field === 'object') return run.metrics.get(field.metric);
  switch (field) {
    case 'size.height':
      return run.config.size.height;
    case 'size.width':
      return run.config.size.width;
    default:
      return run.config[field];
  }
}

function compare(a: number, operator: NumberOperator, b: number): boolean {
  switch (operator) {
    case '=':
      return a === b;
    case '<':
      return a < b;
    case '<=':
      return a <= b;
    case '>':
      return a > b;
    case '>=':
      return a >= b;
  }
}

function globPattern(glob: string): RegExp {
  const source = [...glob].map((c) => (c === '*' ? '.*' : c === '?' ? '.' : c.replace(/[\\^$.+()[\]{}|/]/, '\\$&')));
  return new RegExp(`^${source.join('')}$`, 'su');
}
