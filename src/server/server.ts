/** The HTTP and WebSocket server. */

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expressMiddleware } from '@as-integrations/express5';
import express from 'express';
import { StartupError } from '../errors.ts';
import { createWorkerFeed } from '../events/workerFeed.ts';
import { createContext, type Services } from '../graphql/context.ts';
import { maxMessageBytes } from '../graphql/limits.ts';
import { createSchema } from '../graphql/schema.ts';
import { version } from '../version.ts';
import { createApollo } from './apollo.ts';
import { authenticate, requireScope, viewerOf } from './auth/authenticate.ts';
import { downloadRoutes } from './downloads.ts';
import { graphiqlRoutes } from './graphiql.ts';
import { healthRoutes } from './health.ts';
import { landingPage } from './landing.ts';
import { serveLive } from './live.ts';
import { answerError, answerNotFound, prepareResponse, requestIdOf } from './requests.ts';

export interface ServerOptions extends Omit<Services, 'version' | 'workerFeed'> {
  readonly listener: Parameters<typeof createWorkerFeed>[0];
  /** Port 0: any free one. */
  readonly config: { readonly host: string; readonly port: number };
}

export interface RunningServer {
  /** Without a slash at the end, e.g. `http://127.0.0.1:4000`. */
  readonly url: string;
  /** Takes no more requests, finishes those in progress (10 s at most), closes sockets with 1001. What it was given stays open. */
  stop(): Promise<void>;
}

const graphqlPath = '/graphql';

/** @throws StartupError when it cannot listen on the host and port of the config. */
export async function startServer({ config, listener, ...parts }: ServerOptions): Promise<RunningServer> {
  const services: Services = { ...parts, version, workerFeed: createWorkerFeed(listener) };
  const schema = createSchema();
  const app = express().disable('x-powered-by').disable('etag');
  const http = createServer(app);
  const live = serveLive(http, graphqlPath, schema, services);
  const apollo = createApollo(schema, http, live.close);
  await apollo.start();

  app.use(prepareResponse);
  app.use(healthRoutes(services));
  app.use(authenticate);
  app.get('/', landingPage(services));
  app.use('/graphiql', graphiqlRoutes());
  app.use(requireScope('READ'));
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
  app.use(answerError(services.log));

  try {
    await listen(http, config.host, config.port);
  } catch (error) {
    await apollo.stop();
    throw error;
  }
  let stopping: Promise<void> | undefined;
  return {
    url: urlOf(http.address() as AddressInfo),
    stop: () => {
      stopping ??= apollo.stop();
      return stopping;
    },
  };
}

function listen(http: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    http.once('error', (error: NodeJS.ErrnoException) => reject(listenProblem(error, host, port)));
    http.listen(port, host, resolve);
  });
}

function listenProblem(error: NodeJS.ErrnoException, host: string, port: number): Error {
  const place = `${host}:${port}`;
  switch (error.code) {
    case 'EADDRINUSE':
      return new StartupError(`${place} is in use. Stop the program that listens there, or set PORT to a free port`);
    case 'EACCES':
      return new StartupError(`This user may not listen on ${place}. Set PORT to one above 1023`);
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new StartupError(`${place} is no address of this machine. Set HOST to one, e.g. 127.0.0.1 or 0.0.0.0`);
    default:
      return error;
  }
}

function urlOf({ address, family, port }: AddressInfo): string {
  if (address === '0.0.0.0' || address === '::') return `http://localhost:${port}`;
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}
