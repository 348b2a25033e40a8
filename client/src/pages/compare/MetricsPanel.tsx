import { metric } from '../../format/numbers.ts';
import { MatrixTable, type MatrixTableProps } from '../../ui/MatrixTable.tsx';
import { Panel } from '../../ui/Page.tsx';
import styles from './Compare.module.css';
import { bestPlaces, type ComparedMetric, type ComparedRun } from './compareRuns.ts';
import { figureRows } from './figures.ts';

/** Series that tell how a training was driven: their best values say nothing. */
const schedules = /^(lr(\/|$)|momentum$)/;

/** The best value of every metric, and what each run took; the best of a row is marked. */
export function MetricsPanel({
  runs,
  metrics,
  columns,
}: {
  readonly runs: readonly ComparedRun[];
  readonly metrics: readonly ComparedMetric[];
  readonly columns: MatrixTableProps['columns'];
}) {
  const rows = [
    ...metrics
      .filter(({ name }) => !schedules.test(name))
      .map((one) => ({
        name: one.name,
        texts: one.values.map((value) => metric(one.name, value)),
        best: bestPlaces(one),
      })),
    ...figureRows(runs),
  ];
  return (
    <Panel title="Metrics">
      <MatrixTable
        label="Metrics"
        corner="Best value"
        align="right"
        columns={columns}
        rows={rows.map(({ name, texts, best }) => ({
          key: name,
          header: <bdi>{name}</bdi>,
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
    </Panel>
  );
}
