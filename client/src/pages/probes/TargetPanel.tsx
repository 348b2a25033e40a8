import { Bars } from '../../charts/Bars.tsx';
import { type Size, sizeText } from '../../domain/typed.ts';
import { bytes, significant } from '../../format/numbers.ts';
import type { ProbedTargetFragment } from '../../generated/operations.ts';
import { ForWriters } from '../../parts/Viewer.tsx';
import { routes } from '../../routes.ts';
import { ButtonLink } from '../../ui/Button.tsx';
import { KeyValues } from '../../ui/KeyValues.tsx';
import { Notice } from '../../ui/Notice.tsx';
import { Panel, Stack } from '../../ui/Page.tsx';
import styles from './Probes.module.css';
import { type Asked, equivalenceText, networkText, trialText, verdictText } from './words.ts';

/** One network of a probe: its trials against the budget, and what follows. */
export function TargetPanel({
  target,
  asked,
  underWay,
  experimentId,
}: {
  readonly target: ProbedTargetFragment;
  readonly asked: Asked;
  readonly underWay: boolean;
  readonly experimentId: string;
}) {
  const { trials, recommendation, failure, equivalence } = target;
  const start = recommendation !== null && routes.start(experimentId, recipeOf(target, asked, recommendation));
  const told = trials.filter(({ message }) => message !== null);
  return (
    <Panel
      title={networkText(target)}
      actions={
        start && (
          <ForWriters>
            <ButtonLink small to={start}>
              Start a run with this
            </ButtonLink>
          </ForWriters>
        )
      }
    >
      <Stack>
        <p role="status">{verdictText(target, asked, underWay)}</p>
        {trials.length > 0 && (
          <Bars
            label={`Trials of ${networkText(target)}`}
            format={bytes}
            reference={{ value: asked.budget, label: 'Budget' }}
            bars={trials.map((trial) => ({
              key: String(trial.accumulation),
              label: `${trial.accumulation} × ${trial.microBatchSize} images`,
              value: trial.peakMemory,
              text: trialText(trial),
              tone: trial.outcome === 'FITS' ? 'plain' : 'bad',
            }))}
          />
        )}
        {failure && (
          <Notice tone="bad" title="It could not be measured to the end">
            <bdi>{failure.message}</bdi>
          </Notice>
        )}
        {!failure && told.length > 0 && (
          <details className={styles.messages}>
            <summary>What was reported</summary>
            {told.map(({ accumulation, message }) => (
              <p key={accumulation}>
                Accumulation {accumulation}: <bdi>{message}</bdi>
              </p>
            ))}
          </details>
        )}
        {equivalence && <Equivalence equivalence={equivalence} />}
      </Stack>
    </Panel>
  );
}

function Equivalence({ equivalence }: { readonly equivalence: NonNullable<ProbedTargetFragment['equivalence']> }) {
  const { loss, lossDifference, gradientMax, gradientDifference, gradientCosine, agrees } = equivalence;
  return (
    <Notice
      tone={agrees ? 'plain' : 'warn'}
      title={agrees ? 'Accumulated gradients agree' : 'Accumulated gradients differ'}
    >
      <p>{equivalenceText(equivalence)}</p>
      <KeyValues
        entries={[
          ['Mean loss', `${significant(loss, 5)}, differs by ${significant(lossDifference, 2)}`],
          [
            'Largest gradient',
            `${significant(gradientMax, 4)}, elements differ by ${significant(gradientDifference, 2)} at most`,
          ],
          ['Cosine', gradientCosine < 1 ? `1 − ${significant(1 - gradientCosine, 2)}` : '1'],
        ]}
      />
    </Notice>
  );
}

/** What the start form is filled in with, as its link says it. */
function recipeOf(
  { architecture, size, itemTransform, precision }: ProbedTargetFragment,
  { effectiveBatchSize }: Asked,
  accumulation: number,
): Record<string, string> {
  const typed = (one: Size) => sizeText(one);
  return {
    arch: architecture,
    prep: [itemTransform.method.toLowerCase(), typed(itemTransform.size), typed(size)].join(':'),
    effectiveBatchSize: String(effectiveBatchSize),
    accumulation: String(accumulation),
    precision,
  };
}
