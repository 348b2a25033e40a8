import { type KeyboardEvent, useId, useState } from 'react';
import { TextField } from './Field.tsx';
import { Icon } from './Icon.tsx';
import { Name } from './Name.tsx';
import styles from './Tags.module.css';

export function Tags({ tags }: { readonly tags: readonly string[] }) {
  return (
    <ul className={styles.tags}>
      {tags.map((tag) => (
        <li key={tag} className={styles.tag}>
          <Name>{tag}</Name>
        </li>
      ))}
    </ul>
  );
}

/** Adds tags with Enter, a comma or on leaving the field; takes them away with their button, or the last one with Backspace in the empty field. */
export function TagsField({
  label,
  tags,
  onChange,
  suggestions = [],
  hint = 'Enter or a comma adds a tag',
  problem,
}: {
  readonly label: string;
  readonly tags: readonly string[];
  readonly onChange: (tags: readonly string[]) => void;
  /** Tags in use elsewhere. */
  readonly suggestions?: readonly string[];
  readonly hint?: string;
  readonly problem?: string | undefined;
}) {
  const id = useId();
  const [text, setText] = useState('');
  const add = (written: string) => {
    const added = written.split(',').map((tag) => tag.trim());
    const next = [...new Set([...tags, ...added.filter(Boolean)])];
    if (next.length > tags.length) onChange(next);
    setText('');
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Enter' && text.trim()) {
      event.preventDefault();
      add(text);
    }
    if (event.key === 'Backspace' && text === '') onChange(tags.slice(0, -1));
  };
  return (
    <div className={styles.editor}>
      <TextField
        label={label}
        hint={hint}
        problem={problem}
        value={text}
        list={`${id}-tags`}
        autoComplete="off"
        onChange={({ target }) => (target.value.includes(',') ? add(target.value) : setText(target.value))}
        onBlur={() => text.trim() && add(text)}
        onKeyDown={onKeyDown}
      />
      <datalist id={`${id}-tags`}>
        {suggestions
          .filter((tag) => !tags.includes(tag))
          .map((tag) => (
            <option key={tag} value={tag} />
          ))}
      </datalist>
      <ul className={styles.tags} aria-label={`${label}: chosen`}>
        {tags.map((tag) => (
          <li key={tag} className={styles.tag}>
            <Name>{tag}</Name>
            <button
              type="button"
              className={styles.remove}
              aria-label={`Remove ${tag}`}
              onClick={() => onChange(tags.filter((other) => other !== tag))}
            >
              <Icon name="close" />
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
