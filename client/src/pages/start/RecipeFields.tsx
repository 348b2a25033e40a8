import { useState } from 'react';
import { Stack } from '../../ui/Page.tsx';
import { ConfigField, LabelsField } from './ConfigField.tsx';
import type { Draft } from './draft.ts';
import { advancedGroups, type Field, mainFields } from './fields.ts';
import styles from './Start.module.css';

/** The recipe: what most people set, and the rest folded away unless something of it differs or is wrong. */
export function RecipeFields({
  base,
  draft,
  vocab,
  problems,
  onChange,
}: {
  readonly base: Draft;
  readonly draft: Draft;
  readonly vocab: readonly string[];
  readonly problems: Readonly<Record<string, string>>;
  readonly onChange: (draft: Draft) => void;
}) {
  const advancedFields = advancedGroups.flatMap(({ fields }) => fields);
  const [open, setOpen] = useState(() => advancedFields.some(({ key }) => draft.values[key] !== base.values[key]));
  const wrong = advancedFields.some(({ key }) => problems[key] !== undefined);
  const control = (field: Field) => {
    const { key } = field;
    const props = {
      field,
      text: draft.values[key] ?? '',
      problem: problems[key],
      onChange: (text: string) => onChange({ ...draft, values: { ...draft.values, [key]: text } }),
    };
    if (field.kind !== 'lines') return <ConfigField key={key} {...props} />;
    return (
      <div key={key} className={styles.wide}>
        <LabelsField {...props} vocab={vocab} />
      </div>
    );
  };
  return (
    <Stack>
      <div className={styles.fields}>{mainFields.map(control)}</div>
      <p className={styles.hint}>Several values with commas between them, such as 0.01, 0.003, make a sweep.</p>
      <details open={open || wrong} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
        <summary className={styles.summary}>Advanced</summary>
        <div className={styles.advanced}>
          {advancedGroups.map(({ title, fields }) => (
            <section key={title} aria-label={title}>
              <h3>{title}</h3>
              <div className={styles.fields}>{fields.map(control)}</div>
            </section>
          ))}
        </div>
      </details>
    </Stack>
  );
}
