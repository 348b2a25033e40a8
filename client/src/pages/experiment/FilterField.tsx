import { type FormEvent, useEffect, useState } from 'react';
import { Button } from '../../ui/Button.tsx';
import { TextField } from '../../ui/Field.tsx';
import styles from './Experiment.module.css';

/** Milliseconds without a key after which what stands there is taken. */
const pause = 500;

/**
 * One line of the filter language. It applies itself shortly after the last key, at once on Enter; while it cannot be read, what is wrong stands
 * below it and the list keeps its last rows.
 */
export function FilterField({
  value,
  problem,
  onChange,
}: {
  readonly value: string;
  readonly problem: string | undefined;
  readonly onChange: (filter: string) => void;
}) {
  const [text, setText] = useState(value);
  // The link has changed by other means: the browser's back button.
  useEffect(() => setText(value), [value]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: only keys start the pause
  useEffect(() => {
    if (text.trim() === value) return;
    const timer = setTimeout(() => onChange(text.trim()), pause);
    return () => clearTimeout(timer);
  }, [text]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onChange(text.trim());
  };
  return (
    <form className={styles.filter} onSubmit={submit}>
      <TextField
        label="Filter"
        type="search"
        spellCheck={false}
        autoComplete="off"
        placeholder="arch like vit* and valid/error_rate < 0.1"
        value={text}
        problem={problem}
        onChange={({ target }) => setText(target.value)}
      />
    </form>
  );
}

/** What can be written into the field, with lines to begin with. */
export function FilterHelp({ onChange }: { readonly onChange: (filter: string) => void }) {
  return (
    <details className={styles.help}>
      <summary>What a filter can say</summary>
      <p>
        Text: <code>name</code>, <code>arch</code>, <code>status</code>, <code>tag</code>, <code>item.method</code>,{' '}
        <code>sweep</code>. Numbers: <code>size.height</code>, <code>size.width</code>, <code>accumulation</code>,{' '}
        <code>epochs</code>, and every metric by its name (its best value). With <code>= != &lt; &lt;= &gt; &gt;=</code>
        , <code>like</code> (<code>*</code> and <code>?</code>), <code>in (…)</code>, <code>and</code>, <code>or</code>,{' '}
        <code>not</code> and parentheses.
      </p>
      <ul className={styles.examples} aria-label="Examples">
        {examples.map((example) => (
          <li key={example}>
            <Button small onClick={() => onChange(example)}>
              <code>{example}</code>
            </Button>
          </li>
        ))}
      </ul>
    </details>
  );
}

const examples = [
  'arch like vit* and status = SUCCEEDED',
  'valid/error_rate < 0.1 and not tag = draft',
  'item.method in (SQUISH, PAD) or size.height >= 256',
  'name like "*second try*"',
];
