/** Fetches `hf://…` into a cache: ENDPOINT CACHE REFERENCE. Prints its notes, then `got <path>`. */

import { parseHubReference } from '../../../src/domain/hubReference.ts';
import { createHub } from '../../../src/hub/hub.ts';
import { ruleOf } from '../hubServer.ts';

const [endpoint, cacheDirectory, reference] = process.argv.slice(2) as [string, string, string];
const hosts = [ruleOf({ url: endpoint })];
const hub = createHub({ endpoint, hosts, token: undefined, tokenFile: '/nowhere', cacheDirectory, offline: false });
const path = await hub.fetch(parseHubReference(reference)!, {
  signal: new AbortController().signal,
  note: (line) => console.log(line),
});
console.log(`got ${path}`);
