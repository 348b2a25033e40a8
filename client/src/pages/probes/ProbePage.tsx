import { Link } from 'wouter';
import { useApiMutation } from '../../api/hooks.ts';
import { bytesText, sizeText } from '../../domain/typed.ts';
import { bytes, count } from '../../format/numbers.ts';
import { ProbeCancelDocument } from '../../generated/operations.ts';
import { ForWriters } from '../../parts/Viewer.tsx';
import { routes } from '../../routes.ts';
import { Button, ButtonLink } from '../../ui/Button.tsx';
import { KeyValues } from '../../ui/KeyValues.tsx';
import { Progress } from '../../ui/Meter.tsx';
import { Moment } from '../../ui/Moment.tsx';
import { Name } from '../../ui/Name.tsx';
import { Failure, Notice, Skeleton } from '../../ui/Notice.tsx';
import { NotThere } from '../../ui/NotThere.tsx';
import { PageHead, Panel, Stack } from '../../ui/Page.tsx';
import { Status } from '../../ui/Status.tsx';
import { toasts } from '../../ui/toasts.ts';
import { Summary } from './Summary.tsx';
import { TargetPanel } from './TargetPanel.tsx';
import { type Probe, useProbe } from './useProbe.ts';
import { networkText } from './words.ts';

export function ProbePage({ id }: { readonly id: string }) {
  const { probe, underWay, error, again } = useProbe(id);
  if (error && !probe) return <Failure error={error} onRetry={again} />;
  if (probe === undefined) return <Skeleton height="70vh" />;
  if (probe === null) return <NotThere what="memory probe" back={{ to: routes.probes, label: 'Memory probes' }} />;
  const { targets, run, status } = probe;
  const [first] = targets;
  const others = targets.length > 1 ? ` and ${targets.length - 1} more` : '';
  return (
    <>
      <PageHead
        title={`Memory probe: ${first ? networkText(first) : 'no network'}${others}`}
        trail={[{ to: routes.probes, label: 'Memory probes' }]}
        actions={
          <ForWriters>
            {underWay && <CancelButton probe={probe} onDone={again} />}
            <ButtonLink to={routes.newProbe(askAgain(probe))}>Probe with changes</ButtonLink>
          </ForWriters>
        }
      >
        <Status of={status} />
        <span>
          started <Moment at={probe.createdAt} />
        </span>
        <Link href={routes.run(run.id)}>its run and log</Link>
      </PageHead>
      <Stack>
        <Panel>
          <Stack>
            {underWay && <Advance probe={probe} />}
            {status === 'FAILED' && run.failure && (
              <Notice tone="bad" title="Nothing could be measured">
                <bdi>{run.failure.message}</bdi>
              </Notice>
            )}
            <KeyValues
              entries={[
                ['Budget', bytes(probe.budget)],
                ['Batch', `${count(probe.effectiveBatchSize)} images per weight update`],
                ['Device', probe.device && <Name>{probe.device}</Name>],
                ['Engine', probe.engine],
                [
                  'Trains on',
                  <Link key="experiment" href={routes.experiment(run.experiment.id)}>
                    <Name>{run.experiment.name}</Name>
                  </Link>,
                ],
              ]}
            />
          </Stack>
        </Panel>
        {targets.length > 2 && <Summary {...{ targets, underWay }} />}
        {targets.map((target, index) => (
          <TargetPanel
            // biome-ignore lint/suspicious/noArrayIndexKey: targets have nothing but their place
            key={index}
            target={target}
            asked={probe}
            underWay={underWay}
            experimentId={run.experiment.id}
          />
        ))}
      </Stack>
    </>
  );
}

function Advance({ probe: { status, run, targets } }: { readonly probe: Probe }) {
  if (status === 'QUEUED') return <p>Waits for a worker.</p>;
  const { progress } = run;
  const at = Math.min((progress?.epoch ?? 0) + 1, targets.length);
  const text = `network ${at} of ${targets.length}, trial ${(progress?.batch ?? 0) + 1}`;
  return <Progress label="Measuring" text={text} share={(progress?.epoch ?? 0) / targets.length} />;
}

function CancelButton({ probe, onDone }: { readonly probe: Probe; readonly onDone: () => void }) {
  const cancel = useApiMutation(ProbeCancelDocument);
  const run = async () => {
    const { cancelRun } = await cancel.mutateAsync({ runId: probe.run.id });
    for (const { message } of cancelRun.userErrors) toasts.refuse(message);
    onDone();
  };
  return (
    <Button
      look="danger"
      disabled={cancel.isPending || probe.status === 'CANCELING'}
      onClick={() => void run().catch((error: Error) => toasts.refuse(error.message))}
    >
      Cancel
    </Button>
  );
}

/** The form of a new probe, filled in as this one was. */
function askAgain({ targets, run, effectiveBatchSize, budget }: Probe): Record<string, string> {
  const join = (texts: readonly string[]) => [...new Set(texts)].join(',');
  return {
    experiment: run.experiment.id,
    arch: join(targets.map(({ architecture }) => architecture)),
    sizes: join(targets.map(({ size }) => sizeText(size))),
    precision: join(targets.map(({ precision }) => precision)),
    batch: String(effectiveBatchSize),
    budget: bytesText(budget),
  };
}
