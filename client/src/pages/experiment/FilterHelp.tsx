import { Button } from '../../ui/Button.tsx';
import styles from './Experiment.module.css';

/** What can be written into the field, with lines to begin with. */
export function FilterHelp({ onChange }: { readonly onChange: (filter: string) => void }) {
  return (
    <details className={styles.help}>
      <summary>What a filter can say</summary>
      <p>
        Text: <code>name</code>, <code>id</code>, <code>arch</code>, <code>status</code>, <code>kind</code>,{' '}
        <code>tag</code>, <code>item.method</code>, <code>sweep</code>. Numbers: <code>size.height</code>,{' '}
        <code>size.width</code>, <code>accumulation</code>, <code>epochs</code>, and every metric by its name (its best
        value). With <code>= != &lt; &lt;= &gt; &gt;=</code>, <code>like</code> (<code>*</code> and <code>?</code>),{' '}
        <code>in (…)</code>, <code>and</code>, <code>or</code>, <code>not</code> and parentheses.
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
