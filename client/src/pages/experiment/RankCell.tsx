import { count } from '../../format/numbers.ts';
import styles from './Experiment.module.css';

/** A place in the ranking, and for a while how it has changed. */
export function RankCell({ rank, move }: { readonly rank: number; readonly move: number | 'new' | undefined }) {
  return (
    <span className={styles.rank}>
      {move !== undefined && <Move by={move} />}
      {count(rank)}
    </span>
  );
}

function Move({ by }: { readonly by: number | 'new' }) {
  if (by === 'new') return <span className={styles.new}>new</span>;
  const places = `${Math.abs(by)} ${Math.abs(by) === 1 ? 'place' : 'places'}`;
  return (
    <span className={by > 0 ? styles.up : styles.down} title={`${by > 0 ? 'Up' : 'Down'} ${places}`}>
      <span aria-hidden="true">
        {by > 0 ? '↑' : '↓'}
        {Math.abs(by)}
      </span>
      <span className="visually-hidden">
        {by > 0 ? 'up' : 'down'} {places},
      </span>
    </span>
  );
}
