import type { CommandContext } from '../commands/context.ts';
import type { RunEventHub } from '../events/hub.ts';
import type { WorkerFeed } from '../events/workerFeed.ts';
import type { Logger } from '../log.ts';
import type { Queryable } from '../store/queryable.ts';
import { createLoaders, type Loaders } from './loaders.ts';

/** What resolvers need of the process. */
export interface Services {
  readonly commands: CommandContext;
  readonly hub: RunEventHub;
  readonly workerFeed: WorkerFeed;
  readonly log: Logger;
  /** Of this program. */
  readonly version: string;
}

/** What a resolver gets: the services, and what belongs to one request. */
export interface Context extends Services {
  readonly db: Queryable;
  readonly loaders: Loaders;
  /** Named by masked errors, by the log and by the response header x-request-id. */
  readonly requestId: string;
}

export function createContext(services: Services, requestId: string): Context {
  const db = services.commands.db.prisma;
  return { ...services, db, requestId, loaders: createLoaders(db) };
}
