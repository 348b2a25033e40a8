import { useEffect, useMemo, useRef, useState } from 'react';
import { inHeldOrder } from './moves.ts';

/**
 * Keeps rows where they are while somebody points at them or has the keyboard among them: values change at once, places when the pointer has
 * gone.
 */
export function useLiveOrder<Row>(
  rows: readonly Row[],
  keyOf: (row: Row) => string,
  /** Another word for another list, whose order is taken at once; null while the rows are still those of the one before. */
  list: string | null,
): {
  readonly rows: readonly Row[];
  /** Whether the order on the screen is not the newest. */
  readonly waiting: boolean;
  /** For the element around the rows. */
  readonly holding: {
    readonly onPointerEnter: () => void;
    readonly onPointerLeave: () => void;
  };
} {
  const [held, setHeld] = useState(false);
  const order = useRef<{ readonly list: string | null; readonly keys: readonly string[] }>({ list, keys: [] });
  const keys = useMemo(() => rows.map(keyOf), [rows, keyOf]);
  const hold = held && list !== null && order.current.list === list && order.current.keys.length > 0;
  const shown = useMemo(() => (hold ? inHeldOrder(rows, keyOf, order.current.keys) : rows), [hold, rows, keyOf]);
  useEffect(() => {
    order.current = { list, keys: shown.map(keyOf) };
  }, [shown, keyOf, list]);
  const waiting = hold && shown.some((row, index) => keyOf(row) !== keys[index]);
  const holding = useMemo(() => ({ onPointerEnter: () => setHeld(true), onPointerLeave: () => setHeld(false) }), []);
  return { rows: shown, waiting, holding };
}
