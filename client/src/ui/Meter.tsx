/** How much of something there is: in use (Meter), or done (Progress). */

import { classes } from './classes.ts';
import styles from './Meter.module.css';

interface Measure {
  readonly label: string;
  /** The label is for screen readers only: what it is for can be seen. */
  readonly hideLabel?: boolean;
  /** What is said of it, e.g. `1.2 GiB of 8 GiB`. */
  readonly text: string;
}

/** Of `max`, `value` is taken; from `warnFrom` (a share, 0 to 1) on that is much, from 1 on too much. */
export function Meter({
  value,
  max,
  warnFrom = 0.9,
  ...measure
}: Measure & { readonly value: number; readonly max: number; readonly warnFrom?: number }) {
  const share = max > 0 ? value / max : 0;
  const tone = share >= 1 ? styles.bad : share >= warnFrom && styles.warn;
  return <Track {...measure} role="meter" share={share} tone={tone} />;
}

/** `share` 0 to 1 is done; null: something is being done, and nobody knows how much of it there is. */
export function Progress({ share, ...measure }: Measure & { readonly share: number | null }) {
  return <Track {...measure} role="progressbar" share={share} tone={share === null && styles.busy} />;
}

function Track({
  role,
  label,
  hideLabel,
  text,
  share,
  tone,
}: Measure & {
  readonly role: 'meter' | 'progressbar';
  readonly share: number | null;
  readonly tone: string | false | undefined;
}) {
  const percent = share === null ? undefined : Math.round(Math.max(0, Math.min(share, 1)) * 1000) / 10;
  return (
    <div className={classes(styles.meter, tone)}>
      <div className={styles.words} aria-hidden="true">
        {!hideLabel && <span>{label}</span>}
        <span className={styles.value}>{text}</span>
      </div>
      {/* biome-ignore lint/a11y/useAriaPropsSupportedByRole: both roles support it */}
      <div
        className={styles.track}
        role={role}
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={percent}
        aria-valuetext={text}
      >
        <div className={styles.fill} style={percent === undefined ? undefined : { width: `${percent}%` }} />
      </div>
    </div>
  );
}
