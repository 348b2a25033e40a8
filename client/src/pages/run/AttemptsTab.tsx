import { count, duration } from '../../format/numbers.ts';
import { moment } from '../../format/times.ts';
import { KeyValues } from '../../ui/KeyValues.tsx';
import { Name } from '../../ui/Name.tsx';
import { Empty } from '../../ui/Notice.tsx';
import { Panel, Stack } from '../../ui/Page.tsx';
import { Status } from '../../ui/Status.tsx';
import { failureWords } from './failures.ts';
import styles from './Run.module.css';
import type { RunFacts, RunState } from './runState.ts';
import { SkippedImages } from './SkippedImages.tsx';
import { useRefresh } from './useRefresh.ts';

type Attempt = RunFacts['attempts'][number];

/** Who has worked on a run, on what, and how each try ended. */
export function AttemptsTab({ state: { facts }, reload }: { readonly state: RunState; readonly reload: () => void }) {
  useRefresh(facts, reload);
  const { attempts, skippedImages, id } = facts;
  return (
    <Stack>
      {attempts.length === 0 && (
        <Empty title="Nobody has worked on it yet">
          <p>Each try of a worker is told here: where it ran, what it computed with, and how it ended.</p>
        </Empty>
      )}
      {attempts.toReversed().map((attempt) => (
        <AttemptPanel key={attempt.number} attempt={attempt} last={attempt === attempts.at(-1)} />
      ))}
      {skippedImages && skippedImages.count > 0 && <SkippedImages runId={id} />}
    </Stack>
  );
}

function AttemptPanel({ attempt, last }: { readonly attempt: Attempt; readonly last: boolean }) {
  const { number, status, failure, startedAt, finishedAt, worker, resumedFromEpoch } = attempt;
  const host = worker ? <Name>{worker.host}</Name> : 'forgotten since';
  const seconds = finishedAt && (Date.parse(finishedAt) - Date.parse(startedAt)) / 1000;
  return (
    <Panel title={`Attempt ${number}`} actions={<Status of={status} />}>
      <Stack>
        <p>{story(attempt, last)}</p>
        {failure && (
          <div className={styles.failure}>
            <p>
              <strong>{failureWords[failure.code].title}.</strong> {failureWords[failure.code].meaning}
            </p>
            <pre className={styles.message}>
              <bdi>{failure.message}</bdi>
            </pre>
          </div>
        )}
        <KeyValues
          entries={[
            ['Worker', host],
            ['Began', moment(startedAt)],
            ['Took', seconds === null ? 'still at it' : duration(Number(seconds))],
            ['Went on from', resumedFromEpoch !== null && `epoch ${count(resumedFromEpoch)} of an earlier attempt`],
            ['Device', attempt.device],
            ['Engine', attempt.engine],
            ['Precision', attempt.precision],
            ['Accumulation', attempt.accumulation],
            ['Versions', attempt.versions && versions(attempt.versions)],
          ]}
        />
      </Stack>
    </Panel>
  );
}

function versions(all: Readonly<Record<string, unknown>>) {
  return (
    <span className={styles.versions}>
      {Object.entries(all).map(([name, version]) => (
        <code key={name}>
          {name} {String(version)}
        </code>
      ))}
    </span>
  );
}

/** What became of an attempt, as a sentence. */
function story({ status, failure }: Attempt, last: boolean): string {
  switch (status) {
    case 'SUCCEEDED':
      return 'It came to its end and left its results.';
    case 'CANCELED':
      return 'It was canceled.';
    case 'CANCELING':
      return 'It was asked to stop.';
    case 'QUEUED':
      return 'Its worker stopped in order and gave the run back.';
    case 'RUNNING':
      return 'It is at work.';
    case 'FAILED':
      return last
        ? 'It failed.'
        : failure?.code === 'OUT_OF_MEMORY'
          ? 'It failed; the next attempt takes more accumulation, or a machine with more memory free.'
          : 'It failed; the run went on with the next attempt.';
  }
}
