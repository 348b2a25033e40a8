import { useEffect, useState } from 'react';
import { useApiQuery } from '../../api/hooks.ts';
import { MachineHistoryDocument, type MachinesPageQuery } from '../../generated/operations.ts';
import { Moment } from '../../ui/Moment.tsx';
import { Notice } from '../../ui/Notice.tsx';
import { Grid, Panel, Row, Stack } from '../../ui/Page.tsx';
import { Status } from '../../ui/Status.tsx';
import { DevicePanel } from './DevicePanel.tsx';
import { deviceHistory } from './deviceHistory.ts';
import styles from './Machines.module.css';
import { RunLink } from './RunLink.tsx';

type Worker = MachinesPageQuery['workers'][number];

export function WorkerPanel({ worker }: { readonly worker: Worker }) {
  const { host, online, engine, version, startedAt, lastSeenAt, devices, currentRuns } = worker;
  usePast(worker);
  return (
    <Panel title={host} actions={<Status of={online ? 'ONLINE' : 'OFFLINE'} />}>
      <Stack>
        <p className={styles.facts}>
          <span>{engine}</span>
          <span>Rungraph {version}</span>
          <span>
            started <Moment at={startedAt} />
          </span>
          <span>
            last seen <Moment at={lastSeenAt} />
          </span>
        </p>
        {online ? (
          <Grid least="26rem">
            {devices.map((device) => (
              <DevicePanel key={device.index} workerId={worker.id} device={device} several={devices.length > 1} />
            ))}
          </Grid>
        ) : (
          <Notice tone="warn" title="It does not answer any more">
            What it had in hand is taken over by another worker, from the last checkpoint. It is forgotten here a day
            after it was last seen.
          </Notice>
        )}
        {!online && currentRuns.length > 0 && (
          <Row>
            It had in hand:
            {currentRuns.map((run) => (
              <RunLink key={run.id} run={run} />
            ))}
          </Row>
        )}
        {online && devices.length === 0 && <p>It has not told of its devices yet.</p>}
      </Stack>
    </Panel>
  );
}

/** Adds what the server remembers of the worker's devices to what is kept for the charts. */
function usePast({ id, online }: Worker): void {
  const [, redraw] = useState(0);
  const { data } = useApiQuery(MachineHistoryDocument, { id }, { enabled: online });
  useEffect(() => {
    if (data?.node?.__typename !== 'Worker') return;
    deviceHistory.fill(id, data.node.devices);
    redraw((times) => times + 1);
  }, [id, data]);
}
