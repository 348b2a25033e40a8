import type { ReactNode } from 'react';
import styles from './Tooltip.module.css';

/** Says what is under the pointer, beside a place of its frame (pixels), on the side where there is room. */
export function Tooltip({
  x,
  y,
  width,
  height,
  children,
}: {
  readonly x: number;
  readonly y: number;
  /** Of the frame. */
  readonly width: number;
  readonly height: number;
  readonly children: ReactNode;
}) {
  const across = x < width / 2 ? { left: x + 12 } : { right: width - x + 12 };
  const down = y < height / 2 ? { top: y + 8 } : { bottom: height - y + 8 };
  return (
    <div className={styles.tooltip} style={{ ...across, ...down }} aria-hidden="true">
      {children}
    </div>
  );
}
