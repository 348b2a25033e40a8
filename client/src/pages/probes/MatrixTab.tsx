import { type ReactNode, useMemo } from 'react';
import { Link } from 'wouter';
import { useApiPages } from '../../api/pages.ts';
import { type Fit, measurementsOf } from '../../domain/measurements.ts';
import { bytesText, parseBytes } from '../../domain/typed.ts';
import { bytes } from '../../format/numbers.ts';
import { ProbeMatrixDocument, type ProbeMatrixQuery } from '../../generated/operations.ts';
import { ForWriters, useMayWrite } from '../../parts/Viewer.tsx';
import { routes } from '../../routes.ts';
import { Button, ButtonLink } from '../../ui/Button.tsx';
import { Select, TextField } from '../../ui/Field.tsx';
import { MatrixTable } from '../../ui/MatrixTable.tsx';
import { Empty, Failure, Skeleton } from '../../ui/Notice.tsx';
import { Row, Stack } from '../../ui/Page.tsx';
import { useSearch } from '../../ui/useSearch.ts';
import { type MatrixView, matrixOf } from './matrix.ts';
import styles from './Probes.module.css';

const probesOf = ({ memoryProbes }: ProbeMatrixQuery) => memoryProbes;

/** Architectures by sizes: the smallest accumulation that fits a budget, by the measurements of all probes. */
export function MatrixTab() {
  const [get, set] = useSearch();
  const { rows, first, error, hasMore, loadMore, refetch } = useApiPages(ProbeMatrixDocument, { first: 100 }, probesOf);
  const measured = useMemo(() => measurementsOf(rows), [rows]);
  // Until something else is chosen: as the newest probe that found something asked.
  const newest = rows.find(({ id }) => id === measured[0]?.probeId);
  const budgetText = get('budget') ?? (newest ? bytesText(newest.budget) : '');
  const batchText = get('batch') ?? String(newest?.effectiveBatchSize ?? 64);
  const device = get('device') ?? measured[0]?.device ?? '';
  const precision = get('precision') ?? measured[0]?.precision ?? 'AUTO';
  const budget = parseBytes(budgetText);
  const batch = /^\d{1,6}$/.test(batchText.trim()) && Number(batchText) >= 2 ? Number(batchText) : null;
  const view: MatrixView = { device, precision, batch: batch ?? 0, budget: budget ?? 0 };

  if (error && !first) return <Failure error={error} onRetry={refetch} />;
  if (!first) return <Skeleton height="24rem" />;
  if (!measured.length) {
    return (
      <Empty
        title={hasMore ? `The newest ${rows.length} probes have measured nothing` : 'Nothing has been measured yet'}
      >
        <p>Here stands what every network needs at every size, as soon as a probe has measured some.</p>
        <ForWriters>
          <ButtonLink look="primary" to={routes.newProbe()}>
            Measure a network
          </ButtonLink>
        </ForWriters>
        {hasMore && <Button onClick={loadMore}>Look through older probes</Button>}
      </Empty>
    );
  }
  const experiment = newest?.run.experiment.id ?? '';
  const devices = [...new Set(measured.map((one) => one.device))];
  const precisions = [...new Set(measured.filter((one) => one.device === device).map((one) => one.precision))];
  const { sizes, rows: lines } = matrixOf(measured, view);
  return (
    <Stack>
      <div className={styles.view}>
        <TextField
          label="Budget"
          value={budgetText}
          problem={budget === null ? 'A number and a unit, such as 4 GiB' : undefined}
          onChange={({ target }) => set({ budget: target.value })}
        />
        <TextField
          label="Batch size"
          value={batchText}
          problem={batch === null ? 'A whole number from 2' : undefined}
          onChange={({ target }) => set({ batch: target.value })}
        />
        <Select label="Precision" value={precision} onChange={({ target }) => set({ precision: target.value })}>
          {precisions.map((one) => (
            <option key={one} value={one}>
              {one === 'AUTO' ? 'Automatic' : one}
            </option>
          ))}
        </Select>
        <Select label="Device" value={device} onChange={({ target }) => set({ device: target.value })}>
          {devices.map((one) => (
            <option key={one}>{one}</option>
          ))}
        </Select>
      </div>
      {lines.length === 0 || budget === null || batch === null ? (
        <Empty title="Nothing was measured like that" />
      ) : (
        <MatrixTable
          label="Smallest accumulation that fits"
          corner="Architecture"
          align="right"
          columns={sizes.map((size) => ({ key: size, header: size }))}
          rows={lines.map(({ architecture, fits }) => ({
            key: architecture,
            header: <span className={styles.mono}>{architecture}</span>,
            cells: fits.map((fit, index) => ({
              content: (
                <Cell
                  fit={fit}
                  probe={routes.newProbe({
                    ...{ experiment, arch: architecture, sizes: sizes[index]!, precision },
                    ...{ batch: String(batch), budget: budgetText },
                  })}
                />
              ),
            })),
          }))}
        />
      )}
      <p className={styles.hint}>
        The smallest accumulation with which a batch of {batchText} fits {budgetText}, and the memory that it takes.
        “≤”: less accumulation was not measured. It counts what all probes have measured on this device, whatever their
        budget was.
      </p>
      {hasMore && (
        <Row>
          <Button onClick={loadMore}>Load older probes</Button>
        </Row>
      )}
    </Stack>
  );
}

function Cell({ fit, probe }: { readonly fit: Fit; readonly probe: string }): ReactNode {
  const mayWrite = useMayWrite();
  if (fit.kind === 'unknown') {
    if (!mayWrite) return <span className={styles.hint}>not measured</span>;
    return (
      <Link href={probe} className={styles.unknown}>
        not measured
      </Link>
    );
  }
  const { accumulation, measurement } = fit;
  const memory = `${measurement.complete ? '' : 'over '}${bytes(measurement.peakMemory)}`;
  return (
    <Link href={routes.probe(measurement.probeId)} className={styles.fit}>
      {fit.kind === 'fits' ? (
        <strong>
          {fit.smallest ? '' : '≤ '}
          {accumulation}
        </strong>
      ) : (
        <span className={styles.bad}>{fit.last ? 'nothing fits' : `> ${accumulation}`}</span>
      )}
      <span className={styles.hint}>{memory}</span>
    </Link>
  );
}
