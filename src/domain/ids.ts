/** Opaque ids with a readable type prefix, sortable by creation time: `run_01hv3k8q4m7w2t9c5e6r8y0abz`. */

const prefixes = {
  dataset: 'ds',
  upload: 'upl',
  experiment: 'exp',
  sweep: 'swp',
  run: 'run',
  probe: 'prb',
  predictionSet: 'prd',
  ensemble: 'ens',
  submission: 'sub',
  artifact: 'art',
  worker: 'wrk',
  apiKey: 'key',
  session: 'ses',
  auditEntry: 'aud',
} as const;

export type IdKind = keyof typeof prefixes;

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'; // Crockford base 32, lower case: byte order is value order

/** Makes ids; time (milliseconds since 1970) and randomness (a number in [0, 1)) are injected. */
export function createIdFactory(now: () => number, random: () => number): (kind: IdKind) => string {
  return (kind) => {
    let time = now();
    let stamp = '';
    for (let i = 0; i < 10; i++) {
      stamp = alphabet[time % 32] + stamp;
      time = Math.floor(time / 32);
    }
    let noise = '';
    for (let i = 0; i < 16; i++) noise += alphabet[Math.floor(random() * 32)];
    return `${prefixes[kind]}_${stamp}${noise}`;
  };
}

/** The id factory of a running process. */
export const newId: (kind: IdKind) => string = createIdFactory(Date.now, Math.random);

/** Which kind of object an id names, or undefined when its prefix or shape is none of ours. */
export function idKind(id: string): IdKind | undefined {
  const match = /^([a-z]+)_[0-9a-hjkmnp-tv-z]{26}$/.exec(id);
  return match ? (Object.keys(prefixes) as IdKind[]).find((kind) => prefixes[kind] === match[1]) : undefined;
}
