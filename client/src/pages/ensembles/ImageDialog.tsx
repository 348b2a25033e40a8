import { percent } from '../../format/numbers.ts';
import type { EnsembleRowFragment } from '../../generated/operations.ts';
import { LargePicture } from '../../parts/LargePicture.tsx';
import { Button } from '../../ui/Button.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { KeyValues } from '../../ui/KeyValues.tsx';
import { Name } from '../../ui/Name.tsx';
import type { LabelCount } from './distribution.ts';
import styles from './ensembles.module.css';

/** One image, large, with what is predicted of it and by whom. */
export function ImageDialog({
  row: { imageId, label, predicted, confidence, thumbnailUrl },
  votes,
  onClose,
}: {
  readonly row: EnsembleRowFragment;
  /** How many members predict each label; null where nobody asked. */
  readonly votes: readonly LabelCount[] | null;
  readonly onClose: () => void;
}) {
  return (
    <Dialog title={imageId} wide onClose={onClose} actions={<Button onClick={onClose}>Close</Button>}>
      <div className={styles.scores}>
        {thumbnailUrl && <LargePicture className={styles.large} url={`${thumbnailUrl}?side=640`} alt={imageId} />}
        <KeyValues
          entries={[
            ['Predicted', <Name key="predicted" whole>{`${predicted}, ${percent(confidence, 1)}`}</Name>],
            [
              'It is',
              label !== null && (
                <Name key="label" whole>
                  {label}
                </Name>
              ),
            ],
            [
              'Votes',
              votes && (
                <ul key="votes">
                  {votes.map((vote) => (
                    <li key={vote.label}>
                      <Name whole>{`${vote.label}: ${vote.count}`}</Name>
                    </li>
                  ))}
                </ul>
              ),
            ],
          ]}
        />
      </div>
    </Dialog>
  );
}
