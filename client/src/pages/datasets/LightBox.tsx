import { useEffect } from 'react';
import { count } from '../../format/numbers.ts';
import { LargePicture } from '../../parts/LargePicture.tsx';
import { Button } from '../../ui/Button.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { KeyValues } from '../../ui/KeyValues.tsx';
import { Name } from '../../ui/Name.tsx';
import styles from './Gallery.module.css';
import type { Picture } from './Pictures.tsx';

/** One picture, larger; arrow keys lead to its neighbours. */
export function LightBox({
  samples,
  place,
  total,
  split,
  onMove,
  onClose,
}: {
  readonly samples: readonly Picture[];
  readonly place: number;
  readonly total: number | undefined;
  readonly split: string;
  readonly onMove: (to: number) => void;
  readonly onClose: () => void;
}) {
  const { imageId, label, width, height, thumbnailUrl } = samples[place]!;
  const before = place > 0;
  const after = place < samples.length - 1;
  useEffect(() => {
    const press = ({ key }: KeyboardEvent) => {
      if (key === 'ArrowLeft' && before) onMove(place - 1);
      if (key === 'ArrowRight' && after) onMove(place + 1);
    };
    window.addEventListener('keydown', press);
    return () => window.removeEventListener('keydown', press);
  }, [place, before, after, onMove]);
  return (
    <Dialog
      title={imageId}
      wide
      onClose={onClose}
      actions={
        <>
          <Button onClick={() => onMove(place - 1)} disabled={!before}>
            Previous
          </Button>
          <Button onClick={() => onMove(place + 1)} disabled={!after}>
            Next
          </Button>
          <Button onClick={onClose}>Close</Button>
        </>
      }
    >
      <div className={styles.stage}>
        <LargePicture url={`${thumbnailUrl}?side=640`} alt={imageId} />
      </div>
      <KeyValues
        entries={[
          ['Class', label !== null && <Name whole>{label}</Name>],
          ['Size', `${width} × ${height} pixels`],
          [split, `${count(place + 1)}${total === undefined ? '' : ` of ${count(total)}`}`],
        ]}
      />
    </Dialog>
  );
}
