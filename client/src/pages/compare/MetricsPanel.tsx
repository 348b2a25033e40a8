import { metric } from '../../format/numbers.ts';
import { MatrixTable } from '../../ui/MatrixTable.tsx';
import { Name } from '../../ui/Name.tsx';
import { Empty } from '../../ui/Notice.tsx';
import { Panel } from '../../ui/Page.tsx';
import styles from './Compare.module.css';
import { type ComparedRun, metricRows } from './compareRuns.ts';
import { figureRows } from './figures.ts';

/** The best value of every metric, and what each run took; the best of a row is marked. */
export function MetricsPanel({
  runs,
  columns,
}: {
  readonly runs: readonly ComparedRun[];
  readonly columns: React.ComponentProps<typeof MatrixTable>['columns'];
}) {
  const rows = [
    ...metricRows(runs).map(({ name, values, best }) => ({
      name,
      texts: values.map((value) => metric(name, value)),
      best,
    })),
    ...figureRows(runs),
  ];
  return (
    <Panel title="Metrics">
      {rows.length === 0 ? (
        <Empty title="Nothing measured yet">
          <p>The best value of every metric will stand here, as soon as a run has logged one.</p>
        </Empty>
      ) : (
        <MatrixTable
          label="Metrics"
          corner="Best value"
          align="right"
          columns={columns}
          rows={rows.map(({ name, texts, best }) => ({
            key: name,
            header: <Name whole>{name}</Name>,
            cells: texts.map((text, place) => {
              const marked = best.includes(place);
              return {
                marked,
                content: marked ? (
                  <>
                    <span className={styles.best}>best</span> {text}
                  </>
                ) : (
                  text
                ),
              };
            }),
          }))}
        />
      )}
    </Panel>
  );
}
