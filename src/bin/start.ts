import type { Config } from '../config.ts';
import { createLogger } from '../log.ts';
import { startInstallation } from './installation.ts';
import { awaitStop } from './process.ts';

/** `start`: server and worker until a signal comes. */
export async function start(config: Config): Promise<number> {
  const stop = awaitStop();
  const installation = await startInstallation(config, createLogger('server', config.logLevel), { worker: true });
  process.stdout.write(
    [
      `Rungraph is running, its data is in ${config.home}`,
      `  GraphQL    ${installation.url}/graphql   (subscriptions: ${installation.url.replace(/^http/, 'ws')}/graphql)`,
      `  GraphiQL   ${installation.url}/graphiql`,
      `  Health     ${installation.url}/readyz`,
      'Ctrl-C stops it.\n',
    ].join('\n'),
  );
  await stop.requested;
  process.stdout.write('Stopping …\n');
  await installation.stop();
  return 0;
}
