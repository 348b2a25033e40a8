import { useEffect, useState } from 'react';
import { bytes, count, duration, metric, significant } from '../../format/numbers.ts';
import { ForWriters } from '../../parts/Viewer.tsx';
import { routes } from '../../routes.ts';
import { ButtonLink } from '../../ui/Button.tsx';
import { Progress } from '../../ui/Meter.tsx';
import { Notice } from '../../ui/Notice.tsx';
import { Panel, Stack } from '../../ui/Page.tsx';
import { advanceOf } from './advance.ts';
import { bestOf } from './best.ts';
import { failureWords } from './failures.ts';
import styles from './Run.module.css';
import { isOver, type RunFacts, type RunState } from './runState.ts';

/** Where a run stands, above all views of it: how far it is, what keeps it, why it ended, and what came of it. */
export function RunSituation({ state }: { readonly state: RunState }) {
  const { facts } = state;
  const { memoryProbe, status, failure, skippedImages, prunedAt } = facts;
  return (
    <>
      {memoryProbe && (
        <Notice
          title="This run measures memory"
          actions={
            <ButtonLink small to={routes.probe(memoryProbe.id)}>
              To the memory probe
            </ButtonLink>
          }
        >
          Its trials, and the accumulation that they recommend, stand on the page of its probe.
        </Notice>
      )}
      {failure && <FailureNotice failure={failure} facts={facts} />}
      {status === 'QUEUED' && <Waiting facts={facts} />}
      {skippedImages && skippedImages.count > 0 && (
        <Notice
          tone="warn"
          title={`${count(skippedImages.count)} ${skippedImages.count === 1 ? 'image is' : 'images are'} left out`}
          actions={
            <ButtonLink small to={`${routes.run(facts.id)}?tab=attempts`}>
              Which and why
            </ButtonLink>
          }
        >
          They could not be read, and the config says to go on without them.
        </Notice>
      )}
      {prunedAt && (
        <Notice title="Only the results are left">
          Curves, log lines and memory samples of this run were removed by age. Epochs, predictions and files are all
          there.
        </Notice>
      )}
      <Panel>
        <Stack>
          {(status === 'RUNNING' || status === 'CANCELING') && <Advance facts={facts} />}
          <Figures state={state} />
        </Stack>
      </Panel>
    </>
  );
}

type Failure = NonNullable<RunFacts['failure']>;

function FailureNotice({ failure, facts }: { readonly failure: Failure; readonly facts: RunFacts }) {
  const { title, meaning, remedies } = failureWords[failure.code];
  return (
    <Notice tone="bad" title={title} actions={<WayOut failure={failure} facts={facts} />}>
      <div className={styles.failure}>
        <p>{meaning}</p>
        <pre className={styles.message}>
          <bdi>{failure.message}</bdi>
        </pre>
        <ul className={styles.remedies}>
          {remedies.map((remedy) => (
            <li key={remedy}>{remedy}</li>
          ))}
        </ul>
      </div>
    </Notice>
  );
}

/** What leads on from a failure at once: the form, filled in so that it cannot happen again. */
function WayOut({ failure, facts }: { readonly failure: Failure; readonly facts: RunFacts }) {
  const { kind, experiment, id, config } = facts;
  if (failure.code !== 'WEIGHTS_UNAVAILABLE' || kind !== 'TRAINED' || config.pretrained !== true) return null;
  const filled = { from: id, pretrained: 'false', ...(config.weightsUri !== null && { weightsUri: '' }) };
  return (
    <ForWriters>
      <ButtonLink small to={routes.start(experiment.id, filled)}>
        Start again with random weights
      </ButtonLink>
    </ForWriters>
  );
}

function Waiting({ facts }: { readonly facts: RunFacts }) {
  const { nextAttemptAt, attempts } = facts;
  const now = useNow(nextAttemptAt !== null);
  const last = attempts.at(-1);
  if (!nextAttemptAt) {
    return (
      <Notice
        title="Waiting for a worker"
        actions={
          <ButtonLink small to={routes.machines}>
            Who is busy
          </ButtonLink>
        }
      >
        {last ? 'Its worker gave it back; it goes on where it was.' : 'It begins as soon as a device is free.'}
      </Notice>
    );
  }
  const seconds = Math.max(0, (Date.parse(nextAttemptAt) - now) / 1000);
  const title =
    seconds > 0 ? `Tried again in ${duration(Math.ceil(seconds))}` : 'Tried again as soon as a worker is free';
  return (
    <Notice tone="warn" title={title} actions={last?.failure && <WayOut failure={last.failure} facts={facts} />}>
      {last?.failure && (
        <>
          {failureWords[last.failure.code].title}: <bdi>{last.failure.message}</bdi>
        </>
      )}
    </Notice>
  );
}

function Advance({ facts: { progress, status } }: { readonly facts: RunFacts }) {
  if (status === 'CANCELING') {
    return <Progress label="Canceling" share={null} text="the trainer is being ended" />;
  }
  return <Progress {...advanceOf(progress)} />;
}

type Figure = readonly [label: string, value: string, note?: string];

/** The numbers that one comes for. They keep their places while they change. */
function Figures({ state }: { readonly state: RunState }) {
  const { facts } = state;
  const { experiment, epochs, imagesPerSecond, peakMemory, status } = facts;
  const now = useNow(status === 'RUNNING' || status === 'CANCELING');
  const { metric: name } = experiment.objective;
  const best = bestOf(state);
  const seconds = facts.trainSeconds ?? elapsed(facts, now);
  const learned: readonly Figure[] = [
    [`Best ${name}`, metric(name, best && { value: best.value }), best ? `at step ${count(best.step)}` : undefined],
    ['Last error rate', metric('valid/error_rate', epochs.at(-1) && { value: epochs.at(-1)!.errorRate })],
    ['Last validation loss', metric('valid/loss', epochs.at(-1)?.validLoss)],
  ];
  const figures: readonly Figure[] = [
    // A memory probe trains nothing.
    ...(facts.kind === 'MEMORY_PROBE' ? [] : learned),
    [timeWords(facts), duration(seconds)],
    ['Images per second', imagesPerSecond === null ? '–' : significant(imagesPerSecond)],
    ['Peak memory', bytes(peakMemory)],
  ];
  return (
    <dl className={styles.figures}>
      {figures.map(([label, value, note]) => (
        <div key={label} className={styles.figure}>
          <dt>{label}</dt>
          <dd>
            <strong>{value}</strong>
            {note && <span>{note}</span>}
          </dd>
        </div>
      ))}
    </dl>
  );
}

function timeWords({ trainSeconds, status }: RunFacts): string {
  if (trainSeconds !== null) return 'Training took';
  return isOver(status) ? 'Took' : 'Time so far';
}

function elapsed({ startedAt, finishedAt }: RunFacts, now: number): number | null {
  if (!startedAt) return null;
  return Math.max(0, ((finishedAt ? Date.parse(finishedAt) : now) - Date.parse(startedAt)) / 1000);
}

/** The time, every second while it is needed. */
function useNow(needed: boolean): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (!needed) return;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, [needed]);
  return now;
}
