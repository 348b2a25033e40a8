import { useMemo } from 'react';
import { LineChart } from '../../charts/LineChart.tsx';
import { Sparkline } from '../../charts/Sparkline.tsx';
import { bytes, percent } from '../../format/numbers.ts';
import type { MachinesPageQuery } from '../../generated/operations.ts';
import { KeyValues } from '../../ui/KeyValues.tsx';
import { Meter } from '../../ui/Meter.tsx';
import { Grid, Stack } from '../../ui/Page.tsx';
import { type DeviceReport, deviceHistory, utilizationCourse } from './deviceHistory.ts';
import styles from './Machines.module.css';
import { Processes } from './Processes.tsx';

type Device = MachinesPageQuery['workers'][number]['devices'][number];

const kinds: Readonly<Record<Device['kind'], string>> = { CUDA: 'GPU (CUDA)', WEBGPU: 'GPU (WebGPU)', CPU: 'CPU' };

/** Seconds without a report after which lines are broken: nobody looked, or the worker was away. */
const silence = 30;

/** Seconds that a chart shows at the least. */
const leastSpan = 60;

const clock = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });
const timeOf = (seconds: number) => clock.format(seconds * 1000);

export function DevicePanel({
  workerId,
  device,
  several,
}: {
  readonly workerId: string;
  readonly device: Device;
  readonly several: boolean;
}) {
  const { index, name, kind, memoryTotal, memoryUsed, utilization, temperature, processes } = device;
  const reports = deviceHistory.of(workerId, index);
  return (
    <section className={styles.device} aria-label={`Device ${index}: ${name}`}>
      <h3>
        {several && <span className={styles.index}>{index}</span>} <bdi>{name}</bdi>
      </h3>
      <Grid least="18rem">
        <Stack>
          {memoryUsed !== null && memoryTotal !== null && (
            <Meter
              label="Memory in use"
              value={memoryUsed}
              max={memoryTotal}
              text={`${bytes(memoryUsed)} of ${bytes(memoryTotal)}`}
            />
          )}
          <KeyValues
            entries={[
              ['Kind', kinds[kind]],
              ['Memory', (memoryUsed === null || memoryTotal === null) && memoryWords(memoryUsed, memoryTotal)],
              ['Utilization', utilization !== null && <Utilization utilization={utilization} reports={reports} />],
              ['Temperature', temperature !== null && `${Math.round(temperature)} °C`],
            ]}
          />
        </Stack>
        {reports.some(({ used }) => used !== null) && <MemoryChart reports={reports} total={memoryTotal} name={name} />}
      </Grid>
      <Processes processes={processes} kind={kind} />
    </section>
  );
}

function memoryWords(used: number | null, total: number | null): string {
  if (used === null && total === null) return 'the driver does not tell';
  return used === null ? `${bytes(total)}, in use is not told` : `${bytes(used)} in use`;
}

function Utilization({
  utilization,
  reports,
}: {
  readonly utilization: number;
  readonly reports: readonly DeviceReport[];
}) {
  return (
    <span className={styles.utilization}>
      <span className={styles.percent}>{percent(utilization, 0)}</span>
      <Sparkline label="Utilization of late" values={utilizationCourse(reports)} />
    </span>
  );
}

function MemoryChart({
  reports,
  total,
  name,
}: {
  readonly reports: readonly DeviceReport[];
  readonly total: number | null;
  readonly name: string;
}) {
  const series = useMemo(
    () => [
      {
        label: 'All programs',
        points: reports.flatMap(({ at, used }) => (used === null ? [] : [{ x: at, y: used }])),
        colour: 'var(--series-7)',
      },
      {
        label: 'Our trainers',
        points: reports.map(({ at, ours }) => ({ x: at, y: ours })),
        colour: 'var(--series-1)',
      },
    ],
    [reports],
  );
  const [first, last] = [reports[0]!.at, reports.at(-1)!.at];
  return (
    <LineChart
      label={`Memory of ${name} since ${timeOf(first)}`}
      series={series}
      xLabel="Time"
      formatX={timeOf}
      formatY={bytes}
      binary
      range={last - first < leastSpan ? [last - leastSpan, last] : null}
      height={160}
      maxGap={silence}
      lines={total === null ? [] : [{ y: total, label: 'All of the device' }]}
    />
  );
}
