/** Fetches `hf://…` into a cache: ENDPOINT CACHE REFERENCE. Prints its notes, then `got <path>`. */

import { createHub } from '../../../src/hub/hub.ts';
import { parseHubReference } from '../../../src/hub/reference.ts';

const [endpoint, cacheDirectory, reference] = process.argv.slice(2) as [string, string, string];
const hub = createHub({ endpoint, token: undefined, cacheDirectory, offline: false });
const path = await hub.fetch(parseHubReference(reference)!, {
  signal: new AbortController().signal,
  note: (line) => console.log(line),
});
console.log(`got ${path}`);
