import { Link } from 'wouter';
import { routes } from '../../routes.ts';
import { Button } from '../../ui/Button.tsx';
import { Icon } from '../../ui/Icon.tsx';
import { Name } from '../../ui/Name.tsx';
import { Status } from '../../ui/Status.tsx';
import styles from './Compare.module.css';
import type { ComparedRun } from './compareRuns.ts';
import { Swatch } from './Swatch.tsx';

/** Which run has which colour, and a way to leave one out. */
export function RunsLegend({
  runs,
  names,
  onRemove,
}: {
  readonly runs: readonly ComparedRun[];
  readonly names: readonly string[];
  readonly onRemove: (id: string) => void;
}) {
  return (
    <ul className={styles.runs} aria-label="Runs">
      {runs.map(({ id, status }, place) => (
        <li key={id} className={styles.run}>
          <Swatch place={place} />
          <Link href={routes.run(id)} className={styles.runName}>
            <Name>{names[place]!}</Name>
          </Link>
          <Status of={status} />
          <Button
            look="quiet"
            small
            aria-label={`Leave out ${names[place]}`}
            title="Leave out"
            onClick={() => onRemove(id)}
          >
            <Icon name="close" />
          </Button>
        </li>
      ))}
    </ul>
  );
}
