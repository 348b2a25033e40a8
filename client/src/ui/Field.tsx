/** Controls with their label, hint, and what the server or the form has against their value. */

import {
  type InputHTMLAttributes,
  type ReactNode,
  type SelectHTMLAttributes,
  type TextareaHTMLAttributes,
  useId,
} from 'react';
import styles from './Field.module.css';

interface FieldProps {
  readonly label: string;
  /** The label is for screen readers only: what it is for can be seen. */
  readonly hideLabel?: boolean;
  readonly hint?: ReactNode;
  /** What is wrong with the value. */
  readonly problem?: string | undefined;
}

type Control<Attributes> = FieldProps & Omit<Attributes, 'className' | 'id'>;

function Frame({
  label,
  hideLabel,
  hint,
  problem,
  children,
}: FieldProps & {
  readonly children: (control: {
    readonly id: string;
    readonly className: string | undefined;
    readonly 'aria-describedby': string | undefined;
    readonly 'aria-invalid': boolean;
  }) => ReactNode;
}) {
  const id = useId();
  const described = [hint && `${id}-hint`, problem && `${id}-problem`].filter(Boolean).join(' ');
  return (
    <div className={styles.field}>
      <label htmlFor={id} className={hideLabel ? 'visually-hidden' : styles.label}>
        {label}
      </label>
      {children({
        id,
        className: styles.control,
        'aria-describedby': described || undefined,
        'aria-invalid': problem !== undefined,
      })}
      {hint && (
        <span id={`${id}-hint`} className={styles.hint}>
          {hint}
        </span>
      )}
      {problem !== undefined && (
        <span id={`${id}-problem`} className={styles.problem} role="alert">
          {problem}
        </span>
      )}
    </div>
  );
}

export function TextField({
  label,
  hideLabel,
  hint,
  problem,
  ...rest
}: Control<InputHTMLAttributes<HTMLInputElement>>) {
  return (
    <Frame {...{ label, hideLabel, hint, problem }}>{(control) => <input type="text" {...rest} {...control} />}</Frame>
  );
}

export function TextArea({
  label,
  hideLabel,
  hint,
  problem,
  ...rest
}: Control<TextareaHTMLAttributes<HTMLTextAreaElement>>) {
  return <Frame {...{ label, hideLabel, hint, problem }}>{(control) => <textarea {...rest} {...control} />}</Frame>;
}

/** `children`: its options. */
export function Select({ label, hideLabel, hint, problem, ...rest }: Control<SelectHTMLAttributes<HTMLSelectElement>>) {
  return <Frame {...{ label, hideLabel, hint, problem }}>{(control) => <select {...rest} {...control} />}</Frame>;
}

export function Checkbox({
  label,
  hideLabel,
  ...rest
}: { readonly label: string; readonly hideLabel?: boolean } & Omit<
  InputHTMLAttributes<HTMLInputElement>,
  'className'
>) {
  return (
    <label className={styles.check}>
      <input type="checkbox" {...rest} />
      <span className={hideLabel ? 'visually-hidden' : undefined}>{label}</span>
    </label>
  );
}
