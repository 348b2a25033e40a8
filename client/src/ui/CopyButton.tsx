import { useEffect, useRef, useState } from 'react';
import { Button } from './Button.tsx';
import { copyText } from './copyText.ts';
import { Icon } from './Icon.tsx';

/** Copies a text; says for a moment that it has. */
export function CopyButton({
  text,
  label = 'Copy',
  look = 'quiet',
}: {
  /** A function where making it is work. */
  readonly text: string | (() => string);
  readonly label?: string;
  readonly look?: 'quiet' | 'plain';
}) {
  const button = useRef<HTMLButtonElement>(null);
  const [outcome, setOutcome] = useState<'copied' | 'failed' | null>(null);
  useEffect(() => {
    if (!outcome) return;
    const timer = setTimeout(() => setOutcome(null), 2_000);
    return () => clearTimeout(timer);
  }, [outcome]);
  const copy = async () => {
    const copied = await copyText(typeof text === 'string' ? text : text(), button.current!);
    setOutcome(copied ? 'copied' : 'failed');
  };
  return (
    <>
      <Button ref={button} look={look} small={look === 'quiet'} onClick={() => void copy()}>
        <Icon name={outcome === 'copied' ? 'check' : 'copy'} />
        {label}
      </Button>
      <span className="visually-hidden" role="status">
        {outcome === 'copied' && 'Copied'}
        {outcome === 'failed' && 'The browser does not let this page copy'}
      </span>
    </>
  );
}
