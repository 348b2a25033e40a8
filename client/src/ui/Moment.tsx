import { ago, moment } from '../format/times.ts';

/** When something happened, roughly; exactly on hover. */
export function Moment({ at }: { readonly at: string }) {
  return (
    <time dateTime={at} title={moment(at)}>
      {ago(at)}
    </time>
  );
}
