import { useRef } from 'react';
import { useApiQuery } from '../../api/hooks.ts';
import { count, percent, significant } from '../../format/numbers.ts';
import { splitWords } from '../../format/splits.ts';
import { RunScoreDocument } from '../../generated/operations.ts';
import { Empty, Failure, Skeleton } from '../../ui/Notice.tsx';
import { Grid, Panel, Row, Stack } from '../../ui/Page.tsx';
import { Segments } from '../../ui/Tabs.tsx';
import { useSearch } from '../../ui/useSearch.ts';
import { ConfusedPairs } from './ConfusedPairs.tsx';
import { Confusion } from './Confusion.tsx';
import { LabelScores } from './LabelScores.tsx';
import { PredictedImages } from './PredictedImages.tsx';
import { passesWords } from './predictionWords.ts';
import styles from './Run.module.css';
import { isOver, type PredictionParts, type RunState } from './runState.ts';

/** A matrix of more classes is no picture that one could read. */
const mostClasses = 200;
/** The most telling first: labelled images, and those that no choice was made on before others. */
const order = ['HOLDOUT', 'VALID', 'TEST', 'TRAIN'] as const;

/** What a run has predicted, of each split: how good it is, on which classes, and which images it gets wrong. */
export function PredictionsTab({ state }: { readonly state: RunState }) {
  const [get, set] = useSearch();
  const { facts } = state;
  const sets = [...facts.predictions].sort((a, b) => order.indexOf(a.split) - order.indexOf(b.split));
  const shown = sets.find((one) => keyOf(one) === get('set')) ?? sets[0];
  if (!shown) {
    return (
      <Empty title="No predictions">
        <p>
          {isOver(facts.status)
            ? 'It ended before it predicted, or its config asks for none.'
            : 'A run predicts when it has finished training: scores, a confusion matrix and the images it gets wrong will stand here.'}
        </p>
      </Empty>
    );
  }
  return (
    <Stack>
      <Row>
        <Segments
          label="Predictions of"
          options={sets.map((one) => ({ value: keyOf(one), label: `${splitWords[one.split]}${kindOf(one)}` }))}
          value={keyOf(shown)}
          onChange={(value) => set({ set: value, label: null, predicted: null, wrong: null, order: null, image: null })}
        />
        <span className={styles.hint}>
          {count(shown.rowCount)} images, {count(shown.vocab.length)} classes
          {shown.passes > 0 && `, mean over ${passesWords(shown.passes)}`}
        </span>
      </Row>
      <SetView key={shown.id} set={shown} />
    </Stack>
  );
}

function SetView({ set }: { readonly set: PredictionParts }) {
  const { data, error, refetch } = useApiQuery(RunScoreDocument, { id: set.id });
  const node = data?.node;
  const [, setSearch] = useSearch();
  const images = useRef<HTMLDivElement>(null);
  const showPair = (label: string, predicted: string) => {
    setSearch({ label, predicted, wrong: null });
    images.current?.scrollIntoView({ block: 'start' });
  };
  const score = node && 'score' in node ? node.score : undefined;
  if (error && !data) return <Failure error={error} onRetry={() => void refetch()} />;
  if (!data) return <Skeleton height="60vh" />;
  return (
    <>
      {score && (
        <>
          <Panel>
            <dl className={styles.figures}>
              {(
                [
                  ['Error rate', percent(score.errorRate)],
                  ['Accuracy', percent(score.accuracy)],
                  ['Log loss', significant(score.logLoss, 4)],
                  ['Wrong', `${count(Math.round(score.errorRate * score.rowCount))} of ${count(score.rowCount)}`],
                ] as const
              ).map(([label, value]) => (
                <div key={label} className={styles.figure}>
                  <dt>{label}</dt>
                  <dd>
                    <strong>{value}</strong>
                  </dd>
                </div>
              ))}
            </dl>
          </Panel>
          <Grid least="24rem">
            {set.vocab.length <= mostClasses && (
              <Confusion vocab={set.vocab} confusion={score.confusion} onPick={showPair} />
            )}
            <Stack>
              <LabelScores scores={score.perLabel} />
              <ConfusedPairs vocab={set.vocab} confusion={score.confusion} onPick={showPair} />
            </Stack>
          </Grid>
        </>
      )}
      <div ref={images}>
        <PredictedImages set={set} labelled={score !== null && score !== undefined} />
      </div>
    </>
  );
}

const keyOf = ({ split, kind }: PredictionParts) => `${split}-${kind}`;

function kindOf({ kind, passes }: PredictionParts): string {
  if (kind === 'TTA') return `, ${passesWords(passes)}`;
  return kind === 'UPLOADED' ? ', uploaded' : '';
}
