import { readConfig } from '../config.ts';
import { createLogger } from '../log.ts';
import { parseWords } from './arguments.ts';
import { startInstallation } from './installation.ts';
import { awaitStop } from './process.ts';

const usage = `Usage: rungraph start

Serves the dashboard and GraphQL and trains with a worker of its own, until Ctrl-C or SIGTERM. It makes what it needs in its home: a
database (unless DATABASE_URL names one), which it brings up to date, and folders for files.

  --help   prints this

Environment: RUNGRAPH_HOME (.rungraph), DATABASE_URL (embedded PostgreSQL), HOST (127.0.0.1), PORT (4000), ENGINE, DEVICE, RUNGRAPH_LOG;
the README has all of them.
`;

/** `start`: server and worker until a signal comes. */
export async function start(args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  if (!parseWords({ command: 'start', usage, words: 0 }, args)) {
    process.stdout.write(usage);
    return 0;
  }
  const config = readConfig(env);
  const stop = awaitStop();
  const installation = await startInstallation(config, createLogger('server', config.logLevel), { worker: true });
  process.stdout.write(
    [
      `Rungraph is running, its data is in ${config.home}`,
      `  Dashboard  ${installation.url}/`,
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
