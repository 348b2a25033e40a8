/** Moments as people read them. */

const day = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'short' });
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });

/** `Nov 23, 2026, 2:05 PM`, in the reader's time zone. */
export function moment(at: string): string {
  return day.format(new Date(at));
}

/** `5 minutes ago`. `now`: milliseconds since the epoch. */
export function ago(at: string, now: number = Date.now()): string {
  const seconds = (new Date(at).getTime() - now) / 1000;
  const size = Math.abs(seconds);
  // What rounds to 60 seconds is a minute.
  if (size < 59.5) return relative.format(Math.round(seconds), 'second');
  if (size < 59.5 * 60) return relative.format(Math.round(seconds / 60), 'minute');
  if (size < 23.5 * 3600) return relative.format(Math.round(seconds / 3600), 'hour');
  return relative.format(Math.round(seconds / 86_400), 'day');
}
