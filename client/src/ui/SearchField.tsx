import { type FormEvent, useEffect, useRef, useState } from 'react';
import { TextField } from './Field.tsx';

/** Milliseconds without a key after which what stands there counts. */
const rest = 400;

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
  const [text, setText] = useState(value);
  const latest = useRef({ value, onChange });
  latest.current = { value, onChange };
  // It has come from elsewhere: an example, the browser's back button.
  useEffect(() => setText((written) => (written.trim() === value ? written : value)), [value]);
  useEffect(() => {
    const timer = setTimeout(() => apply(text, latest.current), rest);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <form
      onSubmit={(event: FormEvent) => {
        event.preventDefault();
        apply(text, latest.current);
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

function apply(
  text: string,
  { value, onChange }: { readonly value: string; readonly onChange: (value: string) => void },
): void {
  if (text.trim() !== value) onChange(text.trim());
}
