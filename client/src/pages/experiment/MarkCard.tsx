import { bytes, duration } from '../../format/numbers.ts';
import { splitWords } from '../../format/splits.ts';
import { KeyValues } from '../../ui/KeyValues.tsx';
import { Name } from '../../ui/Name.tsx';
import styles from './Experiment.module.css';
import type { Mark } from './scatterPoints.ts';

/** What stands beside the mark of a run. */
export function MarkCard({
  mark: { run },
  metric,
  formatScore,
}: {
  readonly mark: Mark;
  readonly metric: string;
  readonly formatScore: (value: number) => string;
}) {
  return (
    <div className={styles.card}>
      <strong>
        <Name>{run.name}</Name>
      </strong>
      <KeyValues
        entries={[
          [metric, `${formatScore(run.value)} (${splitWords[run.split].toLowerCase()})`],
          ['Training time', duration(run.trainSeconds)],
          ['Peak memory', bytes(run.peakMemory)],
          ['Architecture', <code key="architecture">{run.architecture}</code>],
        ]}
      />
    </div>
  );
}
