import { Link } from 'wouter';
import { count } from '../../format/numbers.ts';
import { routes } from '../../routes.ts';
import { Button } from '../../ui/Button.tsx';
import { TextField } from '../../ui/Field.tsx';
import { Icon } from '../../ui/Icon.tsx';
import { Name } from '../../ui/Name.tsx';
import { useTyped } from '../../ui/useTyped.ts';
import type { Rule } from './builderState.ts';
import styles from './ensembles.module.css';
import type { MatchedRule } from './useMembers.ts';
import { WeightField } from './WeightField.tsx';

/** A predicate with its weight, and the runs that it matches. */
export function RuleLine({
  number,
  rule,
  autoFocus,
  problem,
  onChange,
  onRemove,
}: {
  /** From 1, as members name it. */
  readonly number: number;
  readonly rule: MatchedRule;
  readonly autoFocus: boolean;
  /** What the server has against it as part of the ensemble. */
  readonly problem: string | undefined;
  readonly onChange: (rule: Rule) => void;
  readonly onRemove: () => void;
}) {
  const { filter, weight, runs } = rule;
  const [text, setText, settle] = useTyped(filter, (typed) => onChange({ filter: typed, weight }));
  return (
    <li className={styles.rule}>
      <WeightField
        label={`Weight of line ${number}`}
        value={weight}
        onChange={(next) => onChange({ filter: text.trim(), weight: next })}
      />
      <TextField
        label={`Runs of line ${number}`}
        hideLabel
        autoFocus={autoFocus}
        spellCheck={false}
        autoComplete="off"
        placeholder="arch like vit* and valid/error_rate < 0.1"
        value={text}
        problem={rule.problem ?? problem}
        onChange={({ target }) => setText(target.value)}
        onKeyDown={({ key }) => key === 'Enter' && settle()}
      />
      <Button look="quiet" aria-label={`Remove line ${number}`} title="Remove this line" onClick={onRemove}>
        <Icon name="close" />
      </Button>
      <div className={styles.matches}>
        {runs === undefined && 'Looking …'}
        {runs !== undefined &&
          runs.length === 0 &&
          !rule.problem &&
          !text.trim() &&
          'Matches nothing while it is empty'}
        {runs !== undefined && runs.length > 0 && (
          <details>
            <summary>{runs.length === 1 ? 'Matches 1 run' : `Matches ${count(runs.length)} runs`}</summary>
            <ul className={styles.names}>
              {runs.map(({ id, name }) => (
                <li key={id}>
                  <Link href={routes.run(id)}>
                    <Name>{name}</Name>
                  </Link>
                </li>
              ))}
            </ul>
          </details>
        )}
      </div>
    </li>
  );
}
