import { Button } from '../../ui/Button.tsx';
import { Icon } from '../../ui/Icon.tsx';
import { changesBetween, type Draft, undo } from './draft.ts';
import styles from './Start.module.css';

/** What of the recipe differs from where the form began, each with a way back. */
export function Changes({
  base,
  draft,
  onChange,
}: {
  readonly base: Draft;
  readonly draft: Draft;
  readonly onChange: (draft: Draft) => void;
}) {
  const changes = changesBetween(base, draft);
  if (!changes.length) return <p className={styles.hint}>Nothing is changed.</p>;
  return (
    <ul className={styles.changes}>
      {changes.map(({ key, label, before, after }) => (
        <li key={key} className={styles.change}>
          <span>
            {label}: <s>{before || 'none'}</s> → <bdi>{after || 'none'}</bdi>
          </span>
          <Button
            look="quiet"
            small
            aria-label={`Take back ${label}`}
            title="Take back"
            onClick={() => onChange(undo(key, base, draft))}
          >
            <Icon name="again" />
          </Button>
        </li>
      ))}
    </ul>
  );
}
