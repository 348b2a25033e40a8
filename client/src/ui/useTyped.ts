import { useEffect, useRef, useState } from 'react';

/** Milliseconds without a key after which what stands there counts. */
const rest = 400;

/**
 * The text of a field that counts shortly after the last key, and at once when `settle` is called.
 * @param value what counts now; it wins when it changes by other means: an example, the browser's back button
 * @param onSettled gets the text without spaces around it
 */
export function useTyped(
  value: string,
  onSettled: (text: string) => void,
): readonly [text: string, setText: (text: string) => void, settle: () => void] {
  const [text, setText] = useState(value);
  const latest = useRef({ onSettled, given: value });
  latest.current.onSettled = onSettled;
  useEffect(() => {
    // Keys that came after what was given away are kept.
    if (value !== latest.current.given) setText((typed) => (typed.trim() === value ? typed : value));
    latest.current.given = value;
  }, [value]);
  const settle = () => {
    const typed = text.trim();
    if (typed === value) return;
    latest.current.given = typed;
    latest.current.onSettled(typed);
  };
  const settleNow = useRef(settle);
  settleNow.current = settle;
  useEffect(() => {
    if (text.trim() === value) return;
    const timer = setTimeout(() => settleNow.current(), rest);
    return () => clearTimeout(timer);
  }, [text, value]);
  return [text, setText, settle];
}
