import { useRef, useState } from 'react';
import type { EnsembleMethod, Split } from '../../generated/operations.ts';
import { Button } from '../../ui/Button.tsx';
import { Select } from '../../ui/Field.tsx';
import { Icon } from '../../ui/Icon.tsx';
import { Notice } from '../../ui/Notice.tsx';
import { Panel, Stack } from '../../ui/Page.tsx';
import styles from './ensembles.module.css';
import { MemberLine } from './MemberLine.tsx';
import { sliderEnd, withoutMember, withWeight } from './members.ts';
import { methodHints, methodNames } from './methods.ts';
import type { MemberProblems } from './problems.ts';
import { RuleLine } from './RuleLine.tsx';
import type { Builder } from './useBuilder.ts';
import type { Members } from './useMembers.ts';

/** Who is combined, how much each counts, and how. */
export function MembersPanel({
  builder: { state, change },
  found: { rules, members, runs, unknown },
  problems,
  splits,
}: {
  readonly builder: Builder;
  readonly found: Members;
  /** What the server has against the whole. */
  readonly problems: MemberProblems;
  readonly splits: readonly Split[];
}) {
  const { method, picks } = state;
  const end = sliderEnd(members.map(({ weight }) => weight));
  const chosen = members.filter(({ weight }) => weight > 0).length;
  const list = useRef<HTMLUListElement>(null);
  /** Place of the line that was added last: its field has the focus. */
  const [added, setAdded] = useState<number | null>(null);
  const addLine = () => {
    setAdded(rules.length);
    change((before) => ({ rules: [...before.rules, { filter: '', weight: 1 }] }));
  };
  // What the server was sent are the rules that say something.
  let written = -1;
  return (
    <Panel title={chosen ? `Members (${chosen})` : 'Members'}>
      <Stack>
        <Select
          label="Combined by"
          hint={methodHints[method]}
          value={method}
          onChange={({ target }) => change(() => ({ method: target.value as EnsembleMethod }))}
        >
          {Object.entries(methodNames).map(([value, name]) => (
            <option key={value} value={value}>
              {name}
            </option>
          ))}
        </Select>
        <div className={styles.line}>
          <h3 className={styles.grow}>By rule</h3>
          <Button small onClick={addLine}>
            <Icon name="plus" /> Add a line
          </Button>
        </div>
        {rules.length > 0 && (
          <p className={styles.note}>
            Every run that a line matches counts with its weight; a later line has the last word, a weight set at the
            run itself above all lines.
          </p>
        )}
        {rules.length > 0 && (
          <ol className={styles.list}>
            {rules.map((rule, index) => {
              if (rule.filter.trim()) written++;
              return (
                <RuleLine
                  // biome-ignore lint/suspicious/noArrayIndexKey: lines are told apart by their place
                  key={index}
                  number={index + 1}
                  rule={rule}
                  autoFocus={index === added}
                  problem={rule.filter.trim() ? problems.rules.get(written) : undefined}
                  onChange={(next) =>
                    change((before) => ({ rules: before.rules.map((old, i) => (i === index ? next : old)) }))
                  }
                  onRemove={() => change((before) => ({ rules: before.rules.filter((_, i) => i !== index) }))}
                />
              );
            })}
          </ol>
        )}
        <h3>Runs and weights</h3>
        {problems.others.length > 0 && (
          <Notice tone="bad" title="These do not go together">
            {problems.others.join('\n')}
          </Notice>
        )}
        {members.length === 0 && (
          <p className={styles.note}>Nobody yet: tick runs in the table below, or write a line that matches them.</p>
        )}
        <ul ref={list} tabIndex={-1} className={styles.list} aria-label="Members">
          {members.map((member) => {
            const { runId } = member;
            const pick = picks.findIndex((each) => each.runId === runId);
            return (
              <MemberLine
                key={runId}
                member={member}
                run={runs.get(runId)}
                splits={splits}
                end={end}
                problem={
                  problems.picks.get(pick) ??
                  (unknown.includes(runId) ? `This experiment has no run ${runId}. Leave it out.` : undefined)
                }
                onWeight={(weight) => change((before) => ({ picks: withWeight(before.picks, member, weight) }))}
                onRemove={() => {
                  change((before) => ({ picks: withoutMember(before.picks, member) }));
                  // The button may go with its line.
                  list.current?.focus();
                }}
              />
            );
          })}
        </ul>
      </Stack>
    </Panel>
  );
}
