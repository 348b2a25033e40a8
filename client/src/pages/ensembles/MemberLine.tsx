import { Link } from 'wouter';
import { percent } from '../../format/numbers.ts';
import { imagesOf, splitWords } from '../../format/splits.ts';
import type { EnsembleRunFragment, Split } from '../../generated/operations.ts';
import { routes } from '../../routes.ts';
import { Button } from '../../ui/Button.tsx';
import { classes } from '../../ui/classes.ts';
import { Icon } from '../../ui/Icon.tsx';
import { Name } from '../../ui/Name.tsx';
import styles from './ensembles.module.css';
import type { Member } from './members.ts';
import { predictionsOn } from './scores.ts';
import { WeightField } from './WeightField.tsx';

/** One member in the making: who it is, how good alone, and how much it counts. */
export function MemberLine({
  member,
  run,
  splits,
  end,
  problem,
  onWeight,
  onRemove,
}: {
  readonly member: Member;
  /** Undefined while it is looked up, or when there is no such run. */
  readonly run: EnsembleRunFragment | undefined;
  /** Those with labels. */
  readonly splits: readonly Split[];
  /** Where its slider ends. */
  readonly end: number;
  readonly problem: string | undefined;
  readonly onWeight: (weight: number) => void;
  readonly onRemove: () => void;
}) {
  const { runId, weight, share, rule, picked } = member;
  const name = run?.name ?? runId;
  const left = weight === 0;
  const origin = rule && (picked ? `not as line ${rule.index + 1} says` : `by line ${rule.index + 1}`);
  return (
    <li className={styles.member}>
      <div className={styles.line}>
        <div className={classes(styles.who, left && styles.out)}>
          <Link href={routes.run(runId)}>
            <Name>{name}</Name>
          </Link>
        </div>
        {rule && picked ? (
          <Button look="quiet" small title={`Weight ${rule.weight}`} onClick={() => onWeight(rule.weight)}>
            As line {rule.index + 1}
          </Button>
        ) : (
          <Button look="quiet" small aria-label={`Leave out ${name}`} title="Leave out" onClick={onRemove}>
            <Icon name="close" />
          </Button>
        )}
      </div>
      <div className={styles.facts}>
        {run && <Name>{run.architecture}</Name>}
        {origin && <span>{origin}</span>}
        {run &&
          splits.map((split) => (
            <span key={split} title={`Error rate on ${imagesOf(split)} of this run alone`}>
              {splitWords[split]} {percent(predictionsOn(run, split)?.score?.errorRate)}
            </span>
          ))}
      </div>
      <div className={styles.line}>
        <input
          className={styles.slider}
          type="range"
          aria-label={`Weight of ${name}`}
          min={0}
          max={end}
          step={end / 80}
          value={weight}
          onChange={({ target }) => onWeight(Number(target.value))}
        />
        <div className={styles.weight}>
          <WeightField label={`Weight of ${name} as a number`} value={weight} onChange={onWeight} />
        </div>
        <span className={styles.share}>{left ? 'out' : percent(share, 1)}</span>
      </div>
      {problem !== undefined && (
        <p className={styles.problem} role="alert">
          {problem}
        </p>
      )}
    </li>
  );
}
