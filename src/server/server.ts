/** The HTTP and WebSocket server. */

import os from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { expressMiddleware } from '@as-integrations/express5';
import compression from 'compression';
import express from 'express';
import type { AccessConfig } from '../config.ts';
import type { Listener } from '../db/listener.ts';
import type { Limits } from '../domain/limits.ts';
import { createImportFeed } from '../events/importFeed.ts';
import { createWorkerFeed } from '../events/workerFeed.ts';
import { createContext, type Services } from '../graphql/context.ts';
import { createSchema } from '../graphql/schema.ts';
import { createRegistry } from '../metrics/registry.ts';
import { createServerMetrics } from '../metrics/server.ts';
import { version } from '../version.ts';
import { createApollo } from './apollo.ts';
import { createAccess } from './auth/access.ts';
import { requestInfo, requireScope } from './auth/authenticate.ts';
import { requireSafeBind } from './auth/bind.ts';
import { requireLogin } from './auth/loginPage.ts';
import { bodyDeadline, exceptAt, jsonBody } from './body.ts';
import { answerNoSuchView, dashboardRoutes } from './dashboard.ts';
import { downloadRoutes } from './downloads.ts';
import { type Front, openFront } from './front.ts';
import { createGate, limitRefusals, limitRequests } from './gate.ts';
import { graphiqlRoutes } from './graphiql.ts';
import { healthRoutes } from './health.ts';
import { type LiveServer, serveLive } from './live.ts';
import { countEvents, createObserver, metricsRoute, observeHttp, observeOperations } from './observe.ts';
import { createReadiness, serviceChecks } from './readiness.ts';
import { answerError, answerNotFound, keepHttps, prepareResponse } from './requests.ts';
import type { SocketLimits } from './socket.ts';
import { uploadRoutes } from './uploads.ts';

export interface ServerOptions extends Omit<Services, 'version' | 'workerFeed' | 'importFeed'> {
  readonly listener: Listener;
  /** Port 0: any free one. `drainDelayMs`: how long it still serves, but not ready, when it is asked to stop. */
  readonly config: {
    readonly host: string;
    readonly port: number;
    readonly access: AccessConfig;
    readonly limits?: Partial<Limits>;
    readonly introspection?: boolean | undefined;
    readonly drainDelayMs?: number;
  };
  /** The port, if it is taken already. Without, it is taken here and closed when it cannot be served. */
  readonly front?: Front;
  /** Left out: the usual ones. */
  readonly socketLimits?: SocketLimits;
}

export interface RunningServer {
  /** Without a slash at the end, e.g. `http://127.0.0.1:4000`. */
  readonly url: string;
  /** What clients of WebSockets hold now. */
  usage: LiveServer['usage'];
  /** Is not ready from now on; after the delay takes no more requests, finishes those in progress (10 s at most), closes sockets with 1001. What it was given stays open. */
  stop(): Promise<void>;
}

const graphqlPath = '/graphql';
/** Milliseconds within which the body of a request must have arrived, but for uploads. */
const bodyTime = 30_000;

/** @throws StartupError when it cannot listen on the host and port of the config. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { config, listener, socketLimits, front: given, ...parts } = options;
  const { log, commands } = parts;
  requireSafeBind(config);
  const front = given ?? (await openFront(config));
  const metrics = createServerMetrics(createRegistry('server', `${os.hostname()}:${front.port}`, commands.db));
  const readiness = createReadiness(serviceChecks(commands, listener), { log });
  const observer = createObserver(metrics, log);
  const hub = countEvents(parts.hub, metrics);
  const services: Services = {
    ...parts,
    hub,
    version,
    workerFeed: createWorkerFeed(listener),
    importFeed: createImportFeed(commands.db, listener),
  };
  const access = createAccess(config.access, services, listener);
  const schema = createSchema();
  const app = express().disable('x-powered-by').disable('etag');
  const gate = createGate(schema, { ...config, authentication: config.access.authenticated });
  const live = serveLive(front.http, graphqlPath, schema, services, gate, access, observer, socketLimits);
  const apollo = createApollo(schema, front.http, gate, live.close, [observeOperations(observer)]);
  await apollo.start();

  app.use(prepareResponse);
  app.use(keepHttps((request) => access.readClient(request).secure));
  app.use(exceptAt('/uploads', bodyDeadline(bodyTime)));
  app.use(observeHttp(metrics));
  app.use(healthRoutes(readiness));
  app.use(limitRefusals(gate));
  app.use(access.routes);
  app.use(limitRequests(gate));
  app.use(dashboardRoutes(requireLogin));
  app.use(['/graphiql', graphqlPath], compression());
  if (gate.introspection) app.use('/graphiql', requireLogin, graphiqlRoutes());
  app.use(requireScope('READ'));
  app.get(
    '/metrics',
    metricsRoute(metrics, () => live.usage().sockets),
  );
  app.use(downloadRoutes(services));
  app.use(uploadRoutes(services));
  app.use(
    graphqlPath,
    jsonBody(gate.limits.messageBytes),
    expressMiddleware(apollo, {
      context: async ({ res }) => createContext(services, requestInfo(res)),
    }),
  );
  app.use(answerNoSuchView);
  app.use(answerNotFound);
  app.use(answerError(log));
  front.serve(app);

  let stopping: Promise<void> | undefined;
  return {
    url: front.url,
    usage: live.usage,
    stop: () => {
      readiness.drain();
      stopping ??= sleep(config.drainDelayMs ?? 0)
        .then(() => apollo.stop())
        .finally(access.openSockets.close);
      return stopping;
    },
  };
}
