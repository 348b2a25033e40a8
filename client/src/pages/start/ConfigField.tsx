import { useState } from 'react';
import { Checkbox, Select, TextArea, TextField } from '../../ui/Field.tsx';
import { type Field, partsOf } from './fields.ts';
import styles from './Start.module.css';

interface ConfigFieldProps {
  readonly field: Field;
  /** What is typed. */
  readonly text: string;
  readonly problem: string | undefined;
  readonly onChange: (text: string) => void;
}

/** The control of one field of the recipe. */
export function ConfigField(props: ConfigFieldProps) {
  const { field, text, problem, onChange } = props;
  const { label, hint, kind, initial } = field;
  switch (kind) {
    case 'choice':
      return <Choice {...props} />;
    case 'flag':
      return (
        <div className={styles.flag}>
          <Checkbox
            label={label}
            checked={text === 'true'}
            onChange={({ target }) => onChange(String(target.checked))}
          />
          <span className={styles.hint}>{hint}</span>
        </div>
      );
    case 'lines':
      return (
        <TextArea
          {...{ label, hint, problem }}
          value={text}
          rows={3}
          onChange={({ target }) => onChange(target.value)}
        />
      );
    default:
      return (
        <TextField
          {...{ label, hint, problem }}
          value={text}
          placeholder={initial}
          autoComplete="off"
          onChange={({ target }) => onChange(target.value)}
        />
      );
  }
}

/** The option that shows all of them. */
const several = ' several';

/** One of few; or several of them, to try each. */
function Choice({ field, text, problem, onChange }: ConfigFieldProps) {
  const { label, hint, options = [], initial } = field;
  const chosen = partsOf(field, text);
  const [open, setOpen] = useState(false);
  if (chosen.length < 2 && !open) {
    return (
      <Select
        {...{ label, hint, problem }}
        value={chosen[0] ?? initial}
        onChange={({ target }) => {
          if (target.value === several) setOpen(true);
          else onChange(target.value);
        }}
      >
        {options.map(({ value, label: name }) => (
          <option key={value} value={value}>
            {name}
          </option>
        ))}
        <option value={several}>Try several…</option>
      </Select>
    );
  }
  const toggle = (value: string) => {
    const next = options.filter((one) => chosen.includes(one.value) !== (one.value === value)).map((one) => one.value);
    if (next.length) onChange(next.join(', '));
  };
  return (
    <fieldset className={styles.choices}>
      <legend>{label}</legend>
      {options.map(({ value, label: name }) => (
        <Checkbox key={value} label={name} checked={chosen.includes(value)} onChange={() => toggle(value)} />
      ))}
      {problem !== undefined && (
        <p className={styles.problem} role="alert">
          {problem}
        </p>
      )}
    </fieldset>
  );
}

/** The labels of a data set to train on; none chosen: all. Those that it does not have can be taken away. */
export function LabelsField({
  text,
  vocab,
  problem,
  field,
  onChange,
}: ConfigFieldProps & { readonly vocab: readonly string[] }) {
  const chosen = partsOf(field, text);
  const shown = [...new Set([...vocab, ...chosen])];
  // More of them are typed faster than found.
  if (shown.length > 300) return <ConfigField {...{ field, text, problem, onChange }} />;
  const toggle = (label: string) =>
    onChange(shown.filter((one) => chosen.includes(one) !== (one === label)).join('\n'));
  return (
    <fieldset className={styles.choices}>
      <legend>Labels</legend>
      <div className={styles.labels}>
        {shown.map((label) => (
          <Checkbox key={label} label={label} checked={chosen.includes(label)} onChange={() => toggle(label)} />
        ))}
      </div>
      <p className={styles.hint}>
        {chosen.length ? `Trains on these ${chosen.length} only` : `None chosen: trains on all ${vocab.length}`}
      </p>
      {problem !== undefined && (
        <p className={styles.problem} role="alert">
          {problem}
        </p>
      )}
    </fieldset>
  );
}
