import type { FormEvent } from 'react';
import { TextField } from './Field.tsx';
import { useTyped } from './useTyped.ts';

/** A line by which a list is narrowed down: counts shortly after the last key, at once on Enter. The field keeps what is typed, and the focus. */
export function SearchField({
  label,
  value,
  placeholder,
  problem,
  onChange,
}: {
  readonly label: string;
  /** What counts now. */
  readonly value: string;
  readonly placeholder?: string;
  readonly problem?: string | undefined;
  /** Without spaces around it. */
  readonly onChange: (value: string) => void;
}) {
  const [text, setText, settle] = useTyped(value, onChange);
  return (
    <form
      onSubmit={(event: FormEvent) => {
        event.preventDefault();
        settle();
      }}
    >
      <TextField
        label={label}
        type="search"
        spellCheck={false}
        autoComplete="off"
        placeholder={placeholder}
        value={text}
        problem={problem}
        onChange={({ target }) => setText(target.value)}
      />
    </form>
  );
}
