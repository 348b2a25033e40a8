import type { CommandContext } from '../commands/context.ts';
import type { Viewer } from '../domain/viewer.ts';
import type { RunEventHub } from '../events/hub.ts';
import type { ImportFeed } from '../events/importFeed.ts';
import type { WorkerFeed } from '../events/workerFeed.ts';
import type { Logger } from '../log.ts';
import type { Queryable } from '../store/queryable.ts';
import { createLoaders, type Loaders } from './loaders.ts';

/** What resolvers need of the process. */
export interface Services {
  readonly commands: CommandContext;
  readonly hub: RunEventHub;
  readonly workerFeed: WorkerFeed;
  readonly importFeed: ImportFeed;
  readonly log: Logger;
  /** Of this program. */
  readonly version: string;
}

/** What belongs to one request. */
export interface RequestInfo {
  /** Named by masked errors, by the log and by the response header x-request-id. */
  readonly requestId: string;
  readonly viewer: Viewer;
  /** Of the client. */
  readonly address: string;
}

/** What a resolver gets: the services, and what belongs to one request. */
export interface Context extends Services, RequestInfo {
  readonly db: Queryable;
  readonly loaders: Loaders;
}

export function createContext(services: Services, request: RequestInfo): Context {
  const db = services.commands.db.prisma;
  const { requestId, viewer, address } = request;
  let loaders: Loaders | undefined;
  return {
    ...services,
    ...{ db, requestId, viewer, address },
    // Made when asked for: most events of subscriptions have no use for them.
    get loaders() {
      loaders ??= createLoaders(db);
      return loaders;
    },
  };
}
