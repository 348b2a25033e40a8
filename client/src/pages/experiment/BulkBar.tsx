import { useState } from 'react';
import { mostCompared } from '../../domain/mostCompared.ts';
import { count } from '../../format/numbers.ts';
import { ForWriters } from '../../parts/Viewer.tsx';
import { routes } from '../../routes.ts';
import { Button, ButtonLink } from '../../ui/Button.tsx';
import { CancelDialog, DeleteDialog, TagDialog } from './BulkDialogs.tsx';
import { DifferencesDialog } from './DifferencesDialog.tsx';
import styles from './Experiment.module.css';
import { isUnderWay, type TableRow } from './rows.ts';

/** Runs that a link may name: servers take links of some thousand characters. */
const mostInLink = 400;

/** What can be done with the selected rows; it stands at the lower edge of the view, so that the table stays where it is. */
export function BulkBar({
  experimentId,
  selected,
  onSelect,
  onChanged,
}: {
  readonly experimentId: string;
  readonly selected: ReadonlyMap<string, TableRow>;
  readonly onSelect: (selected: ReadonlyMap<string, TableRow>) => void;
  /** Something was written: what is shown is to be read again. */
  readonly onChanged: () => void;
}) {
  const [dialog, setDialog] = useState<'differences' | 'tag' | 'cancel' | 'delete' | null>(null);
  if (selected.size === 0) return null;
  const rows = [...selected.values()];
  const runs = rows.filter(({ run }) => run !== null);
  const underWay = runs.filter(({ run }) => isUnderWay(run!.status));
  const ids = runs.map(({ key }) => key);
  const close = () => setDialog(null);
  return (
    <section className={styles.bulk} aria-label="Selected rows">
      <span className={styles.bulkWords} role="status">
        {count(rows.length)} selected
        {runs.length < rows.length && `, ${count(rows.length - runs.length)} of them ensembles`}
      </span>
      {runs.length > 1 &&
        (runs.length <= mostCompared ? (
          <>
            <ButtonLink small to={routes.compare(ids)}>
              Compare
            </ButtonLink>
            <Button small onClick={() => setDialog('differences')}>
              Config differences
            </Button>
          </>
        ) : (
          <Button small disabled title={`At most ${mostCompared} runs can be compared`}>
            Compare (at most {mostCompared})
          </Button>
        ))}
      {runs.length > 0 && (
        <ForWriters>
          {runs.length <= mostInLink ? (
            <ButtonLink small to={routes.newEnsemble(experimentId, ids)}>
              Ensemble
            </ButtonLink>
          ) : (
            <Button
              small
              disabled
              title="A link names no more. Tag them, and let a rule of the ensemble builder choose the tag: up to 500 can be combined"
            >
              Ensemble (at most {mostInLink})
            </Button>
          )}
          <Button small onClick={() => setDialog('tag')}>
            Tag
          </Button>
        </ForWriters>
      )}
      <ForWriters>
        {underWay.length > 0 && (
          <Button small onClick={() => setDialog('cancel')}>
            Cancel {count(underWay.length)}
          </Button>
        )}
        <Button small look="danger" onClick={() => setDialog('delete')}>
          Delete
        </Button>
      </ForWriters>
      <Button small look="quiet" onClick={() => onSelect(new Map())}>
        Clear
      </Button>
      {dialog === 'differences' && <DifferencesDialog ids={ids} onClose={close} />}
      {dialog === 'tag' && <TagDialog rows={runs} onChanged={onChanged} onClose={close} />}
      {dialog === 'cancel' && <CancelDialog rows={underWay} onChanged={onChanged} onClose={close} />}
      {dialog === 'delete' && (
        <DeleteDialog
          rows={rows}
          onChanged={onChanged}
          onDeleted={(keys) => onSelect(new Map([...selected].filter(([key]) => !keys.has(key))))}
          onClose={close}
        />
      )}
    </section>
  );
}
