/** The HTTP and WebSocket server. */

import os from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { expressMiddleware } from '@as-integrations/express5';
import express from 'express';
import type { Listener } from '../db/listener.ts';
import { createWorkerFeed } from '../events/workerFeed.ts';
import { createContext, type Services } from '../graphql/context.ts';
import { maxMessageBytes } from '../graphql/limits.ts';
import { createSchema } from '../graphql/schema.ts';
import { createRegistry } from '../metrics/registry.ts';
import { createServerMetrics } from '../metrics/server.ts';
import { version } from '../version.ts';
import { createApollo } from './apollo.ts';
import { authenticate, requireScope, viewerOf } from './auth/authenticate.ts';
import { downloadRoutes } from './downloads.ts';
import { type Front, openFront } from './front.ts';
import { graphiqlRoutes } from './graphiql.ts';
import { healthRoutes } from './health.ts';
import { landingPage } from './landing.ts';
import { serveLive } from './live.ts';
import { countEvents, createOperationObserver, metricsRoute, observeHttp, observeOperations } from './observe.ts';
import { createReadiness, serviceChecks } from './readiness.ts';
import { answerError, answerNotFound, prepareResponse, requestIdOf } from './requests.ts';

export interface ServerOptions extends Omit<Services, 'version' | 'workerFeed'> {
  readonly listener: Listener;
  /** Port 0: any free one. `drainDelayMs`: how long it still serves, but not ready, when it is asked to stop. */
  readonly config: { readonly host: string; readonly port: number; readonly drainDelayMs?: number };
  /** The port, if it is taken already. Without, it is taken here and closed when it cannot be served. */
  readonly front?: Front;
}

export interface RunningServer {
  /** Without a slash at the end, e.g. `http://127.0.0.1:4000`. */
  readonly url: string;
  /** Is not ready from now on; after the delay takes no more requests, finishes those in progress (10 s at most), closes sockets with 1001. What it was given stays open. */
  stop(): Promise<void>;
}

const graphqlPath = '/graphql';

/** @throws StartupError when it cannot listen on the host and port of the config. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { config, listener, front: given, ...parts } = options;
  const { log, commands } = parts;
  const front = given ?? (await openFront(config));
  const metrics = createServerMetrics(createRegistry('server', `${os.hostname()}:${front.port}`, commands.db));
  const readiness = createReadiness(serviceChecks(commands, listener), { log });
  const observe = createOperationObserver(metrics, log);
  const hub = countEvents(parts.hub, metrics);
  const services: Services = { ...parts, hub, version, workerFeed: createWorkerFeed(listener) };
  const schema = createSchema();
  const app = express().disable('x-powered-by').disable('etag');
  const live = serveLive(front.http, graphqlPath, schema, services);
  const apollo = createApollo(schema, front.http, live.close, [observeOperations(observe)]);
  await apollo.start();

  app.use(prepareResponse);
  app.use(observeHttp(metrics));
  app.use(healthRoutes(readiness));
  app.use(authenticate);
  app.get('/', landingPage(services));
  app.use('/graphiql', graphiqlRoutes());
  app.use(requireScope('READ'));
  app.get('/metrics', metricsRoute(metrics));
  app.use(downloadRoutes(services));
  app.use(
    graphqlPath,
    express.json({ limit: maxMessageBytes }),
    expressMiddleware(apollo, {
      context: async ({ res }) =>
        createContext(services, {
          requestId: requestIdOf(res),
          viewer: viewerOf(res)!,
          address: res.req.socket.remoteAddress ?? '',
        }),
    }),
  );
  app.use(answerNotFound);
  app.use(answerError(log));
  front.serve(app);

  let stopping: Promise<void> | undefined;
  return {
    url: front.url,
    stop: () => {
      readiness.drain();
      stopping ??= sleep(config.drainDelayMs ?? 0).then(() => apollo.stop());
      return stopping;
    },
  };
}
