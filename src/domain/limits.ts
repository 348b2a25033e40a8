/** How much a client may ask for: at once, and in a minute. */

export interface Limits {
  /** Levels of fields of an operation. */
  readonly depth: number;
  /** Aliases of an operation; those of a fragment count wherever it is spread. */
  readonly aliases: number;
  /** Directives of an operation, counted like aliases. */
  readonly directives: number;
  /** Lexical tokens of a document. GraphiQL's introspection has about 350. */
  readonly tokens: number;
  /** Values that an answer could hold. */
  readonly cost: number;
  /** Levels of lists and objects in variables. */
  readonly variableDepth: number;
  /** Bytes of a GraphQL request's body, and of a WebSocket message. */
  readonly messageBytes: number;
  /** Operations in progress on one socket. */
  readonly operationsPerSocket: number;
  /** Open subscriptions of one client. */
  readonly subscriptionsPerClient: number;
  /** Open sockets from one address. */
  readonly socketsPerAddress: number;
  /** HTTP requests and operations over sockets. As many may come at once; so with every limit of a minute. */
  readonly requestsPerMinute: number;
  /** Cost of all operations together. */
  readonly costPerMinute: number;
  /** Fields of mutations. */
  readonly writesPerMinute: number;
  /** Requests from one address whose credentials are refused (401). */
  readonly refusalsPerMinute: number;
  /** Sockets opened from one address. */
  readonly connectionsPerMinute: number;
  /** Messages over one socket. */
  readonly messagesPerMinute: number;
}

/** With authentication: what a busy dashboard and a script that polls stay far below. */
const guarded: Limits = {
  depth: 14,
  aliases: 30,
  directives: 50,
  tokens: 2000,
  cost: 100_000,
  variableDepth: 20,
  messageBytes: 1_000_000,
  operationsPerSocket: 100,
  subscriptionsPerClient: 200,
  socketsPerAddress: 200,
  requestsPerMinute: 3000,
  costPerMinute: 10_000_000,
  writesPerMinute: 600,
  refusalsPerMinute: 60,
  connectionsPerMinute: 120,
  messagesPerMinute: 3000,
};

/** Without, on loopback: everybody is one client, who is at home here. */
const open: Limits = {
  ...guarded,
  subscriptionsPerClient: 10_000,
  socketsPerAddress: 10_000,
  requestsPerMinute: 1_000_000,
  costPerMinute: 10_000_000_000,
  writesPerMinute: 1_000_000,
  connectionsPerMinute: 100_000,
  messagesPerMinute: 100_000,
};

export function defaultLimits({ authentication }: { readonly authentication: boolean }): Limits {
  return authentication ? guarded : open;
}

/** Reads `cost=50000, depth=10`: limits that are not the usual ones, and every problem in words. */
export function parseLimits(text: string): { readonly limits: Partial<Limits>; readonly problems: readonly string[] } {
  const limits: Partial<Record<keyof Limits, number>> = {};
  const problems: string[] = [];
  for (const part of text.split(',')) {
    const [name = '', value = '', ...rest] = part.split('=').map((word) => word.trim());
    if (!isLimit(name)) problems.push(`there is no limit ${JSON.stringify(name)}; there are ${names.join(', ')}`);
    else if (name in limits) problems.push(`${name} is given twice`);
    else if (rest.length || !/^[1-9]\d{0,14}$/.test(value))
      problems.push(`${name} must be an integer from 1, as in ${name}=${guarded[name]}`);
    else limits[name] = Number(value);
  }
  return { limits, problems };
}

const names = Object.keys(guarded) as (keyof Limits)[];

function isLimit(name: string): name is keyof Limits {
  return names.some((known) => known === name);
}
