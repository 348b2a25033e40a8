import { useSyncExternalStore } from 'react';
import { bytes, duration } from '../../format/numbers.ts';
import { Button } from '../../ui/Button.tsx';
import { Progress } from '../../ui/Meter.tsx';
import { Name } from '../../ui/Name.tsx';
import { Panel } from '../../ui/Page.tsx';
import { importing } from './importing.ts';
import { pace } from './upload.ts';

/** The archive that is being sent, if there is one, with a way to end it. */
export function UploadPanel() {
  const state = useSyncExternalStore(importing.listen, importing.get);
  if (state.kind !== 'sending') return null;
  const { file, marks } = state;
  const sent = marks.at(-1)?.sent ?? 0;
  const { rate, left } = pace(marks, file.size);
  const whole = sent >= file.size;
  const detail = [
    `${bytes(Math.min(sent, file.size))} of ${bytes(file.size)}`,
    rate !== null && !whole && `${bytes(rate)}/s`,
    left !== null && !whole && `${duration(left)} left`,
    whole && 'the server stores it',
  ];
  return (
    <Panel
      title="Sending"
      actions={
        <Button look="danger" small onClick={() => importing.cancel()}>
          Cancel
        </Button>
      }
    >
      <Name>{file.name}</Name>
      <Progress
        label={`Sending ${file.name}`}
        hideLabel
        share={Math.min(sent / file.size, 1)}
        text={detail.filter(Boolean).join(' · ')}
      />
    </Panel>
  );
}
