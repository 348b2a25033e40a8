import { useEffect } from 'react';
import { Bars } from '../../charts/Bars.tsx';
import { percent } from '../../format/numbers.ts';
import type { RunPredictionRowsQuery } from '../../generated/operations.ts';
import { LargePicture } from '../../parts/LargePicture.tsx';
import { Button } from '../../ui/Button.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { Name } from '../../ui/Name.tsx';
import styles from './Run.module.css';

type Node = Extract<NonNullable<RunPredictionRowsQuery['node']>, { rows: unknown }>;
export type PredictedRow = Node['rows']['nodes'][number];

const shownLabels = 8;

function toneOf(name: string, { label, predicted }: PredictedRow): 'plain' | 'quiet' | 'bad' {
  if (name === label || (label === null && name === predicted)) return 'plain';
  return name === predicted ? 'bad' : 'quiet';
}

/** One image with the probabilities of its most likely classes, and of the true one. The arrow keys lead to its neighbours. */
export function PredictedImage({
  row,
  vocab,
  onClose,
  onPrevious,
  onNext,
}: {
  readonly row: PredictedRow;
  readonly vocab: readonly string[];
  readonly onClose: () => void;
  /** Undefined: there is none. */
  readonly onPrevious: (() => void) | undefined;
  readonly onNext: (() => void) | undefined;
}) {
  const { imageId, label, predicted, probabilities, thumbnailUrl } = row;
  useEffect(() => {
    const onKey = ({ key }: KeyboardEvent) => {
      if (key === 'ArrowLeft') onPrevious?.();
      if (key === 'ArrowRight') onNext?.();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [onPrevious, onNext]);
  const ranked = vocab
    .map((name, index) => ({ name, share: probabilities[index] ?? 0 }))
    .sort((a, b) => b.share - a.share);
  const shown = ranked.filter(({ name }, index) => index < shownLabels || name === label);
  return (
    <Dialog
      title={imageId}
      onClose={onClose}
      wide
      actions={
        <>
          <Button onClick={onPrevious} disabled={!onPrevious}>
            Previous
          </Button>
          <Button onClick={onNext} disabled={!onNext}>
            Next
          </Button>
          <Button onClick={onClose}>Close</Button>
        </>
      }
    >
      <div className={styles.image}>
        {thumbnailUrl && <LargePicture url={`${thumbnailUrl}?side=640`} alt={imageId} />}
        <div className={styles.probabilities}>
          <p>
            {label === null ? (
              'Its true class is not known.'
            ) : (
              <>
                It is <Name whole>{label}</Name>
                {label === predicted ? ', and was recognised.' : ', and was taken for '}
                {label !== predicted && (
                  <>
                    <Name whole>{predicted}</Name>.
                  </>
                )}
              </>
            )}
          </p>
          <Bars
            label="Most likely classes"
            format={(share) => percent(share, 1)}
            bars={shown.map(({ name, share }) => ({
              key: name,
              label: name === label ? `${name} (true)` : name,
              value: share,
              tone: toneOf(name, row),
            }))}
          />
        </div>
      </div>
    </Dialog>
  );
}
