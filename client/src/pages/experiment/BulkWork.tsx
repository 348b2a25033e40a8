import { useState } from 'react';
import { type Refusal, type Target, writeEach } from '../../domain/writeEach.ts';
import { count } from '../../format/numbers.ts';
import { sentence } from '../../format/sentence.ts';
import { Name } from '../../ui/Name.tsx';
import { Notice } from '../../ui/Notice.tsx';
import styles from './Experiment.module.css';

/** Where a write for many objects stands. */
export type BulkState =
  | { readonly kind: 'asked' }
  | { readonly kind: 'working'; readonly tried: number; readonly of: number }
  | { readonly kind: 'done'; readonly refusals: readonly Refusal[]; readonly of: number };

export function useBulkWork(): readonly [
  state: BulkState,
  run: (targets: readonly Target[], write: (target: Target) => Promise<string | null>) => Promise<readonly Refusal[]>,
] {
  const [state, setState] = useState<BulkState>({ kind: 'asked' });
  const run = async (targets: readonly Target[], write: (target: Target) => Promise<string | null>) => {
    const of = targets.length;
    setState({ kind: 'working', tried: 0, of });
    const refusals = await writeEach(targets, write, (tried) => setState({ kind: 'working', tried, of }));
    setState({ kind: 'done', refusals, of });
    return refusals;
  };
  return [state, run];
}

/** Names in a box that scrolls; beyond the most that are read only how many more there are. */
export function NameList({ rows, most = 200 }: { readonly rows: readonly Target[]; readonly most?: number }) {
  return (
    <ul className={styles.names}>
      {rows.slice(0, most).map(({ key, name }) => (
        <li key={key}>
          <Name>{name}</Name>
        </li>
      ))}
      {rows.length > most && <li>and {count(rows.length - most)} more</li>}
    </ul>
  );
}

/** How far it is, and in the end what was refused and why. `done`: what has happened to the others, e.g. `deleted`. */
export function BulkProgress({ state, done }: { readonly state: BulkState; readonly done: string }) {
  if (state.kind === 'asked') return null;
  if (state.kind === 'working') {
    return (
      <p role="status">
        {count(state.tried)} of {count(state.of)} …
      </p>
    );
  }
  if (state.refusals.length === 0) return null;
  return (
    <Notice
      tone="bad"
      title={`${count(state.of - state.refusals.length)} ${done}, ${count(state.refusals.length)} not`}
    >
      <ul className={styles.names}>
        {state.refusals.map(({ key, name, problem }) => (
          <li key={key}>
            <Name>{name}</Name> <bdi>{sentence(problem)}</bdi>
          </li>
        ))}
      </ul>
    </Notice>
  );
}
