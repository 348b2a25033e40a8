/** Token buckets: what a client may take in a minute may also be taken at once, and comes back evenly. */

export interface Buckets {
  /** Takes `amount` out of the client's bucket and returns 0; or takes nothing and returns the seconds after which it could be had. */
  take(client: string, amount?: number): number;
  /** What `take` would return, without taking. */
  wait(client: string, amount?: number): number;
}

interface Bucket {
  level: number;
  at: number;
}

/** Clients remembered at once. Whoever was longest away is forgotten first, that is, has a full bucket again. */
const mostClients = 10_000;

/** `now`: milliseconds of a clock that never goes back. Amounts above `perMinute` are taken for `perMinute`. */
export function createBuckets(perMinute: number, now: () => number = () => performance.now()): Buckets {
  const buckets = new Map<string, Bucket>();
  const perMs = perMinute / 60_000;

  function bucketOf(client: string): Bucket {
    const time = now();
    const bucket = buckets.get(client) ?? { level: perMinute, at: time };
    bucket.level = Math.min(perMinute, bucket.level + (time - bucket.at) * perMs);
    bucket.at = time;
    buckets.delete(client); // the map's order is that of the last visits
    buckets.set(client, bucket);
    if (buckets.size > mostClients) buckets.delete(buckets.keys().next().value!);
    return bucket;
  }

  function wait(client: string, amount = 1): number {
    const lacking = Math.min(amount, perMinute) - bucketOf(client).level;
    return lacking > 0 ? Math.ceil(lacking / perMs / 1000) : 0;
  }

  return {
    wait,
    take: (client, amount = 1) => {
      const seconds = wait(client, amount);
      if (!seconds) bucketOf(client).level -= Math.min(amount, perMinute);
      return seconds;
    },
  };
}

export interface Places {
  /** One place less for the client until it is given back, by calling what this returns; null when all are taken. */
  take(client: string): (() => void) | null;
}

/** Things that a client holds for a while: at most `each` at once. */
export function createPlaces(each: number): Places {
  const taken = new Map<string, number>();
  return {
    take: (client) => {
      const before = taken.get(client) ?? 0;
      if (before >= each) return null;
      taken.set(client, before + 1);
      let given = false;
      return () => {
        if (given) return;
        given = true;
        const left = taken.get(client)! - 1;
        if (left) taken.set(client, left);
        else taken.delete(client);
      };
    },
  };
}
