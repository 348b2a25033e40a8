import { sizeText } from '../../domain/typed.ts';
import { bytes } from '../../format/numbers.ts';
import type { ProbedTargetFragment } from '../../generated/operations.ts';
import { MatrixTable } from '../../ui/MatrixTable.tsx';
import { Panel } from '../../ui/Page.tsx';
import styles from './Probes.module.css';
import { foundText } from './words.ts';

/** The accumulations that a probe of several networks found: architectures by size and precision. */
export function Summary({
  targets,
  underWay,
}: {
  readonly targets: readonly ProbedTargetFragment[];
  readonly underWay: boolean;
}) {
  const precisions = new Set(targets.map(({ precision }) => precision));
  const columnOf = ({ size, precision }: ProbedTargetFragment) =>
    precisions.size > 1 ? `${sizeText(size)} ${precision}` : sizeText(size);
  const columns = [...new Set(targets.map(columnOf))];
  const architectures = [...new Set(targets.map(({ architecture }) => architecture))];
  return (
    <Panel title="Accumulation that fits">
      <MatrixTable
        label="By architecture and size"
        corner="Architecture"
        align="right"
        columns={columns.map((column) => ({ key: column, header: column }))}
        rows={architectures.map((architecture) => ({
          key: architecture,
          header: <span className={styles.mono}>{architecture}</span>,
          cells: columns.map((column) => {
            const target = targets.find((one) => one.architecture === architecture && columnOf(one) === column);
            return { content: target && <Found target={target} underWay={underWay} /> };
          }),
        }))}
      />
    </Panel>
  );
}

function Found({ target, underWay }: { readonly target: ProbedTargetFragment; readonly underWay: boolean }) {
  const { recommendation, trials } = target;
  const peak = trials.find(({ accumulation }) => accumulation === recommendation)?.peakMemory;
  return (
    <span className={styles.fit}>
      <strong>{foundText(target, underWay)}</strong>
      {recommendation !== null && <span className={styles.hint}>{bytes(peak)}</span>}
    </span>
  );
}
