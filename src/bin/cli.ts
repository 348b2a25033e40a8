import type { Config } from '../config.ts';
import { StartupError } from '../errors.ts';
import { awaitStop, runProgram } from './process.ts';

const usage = `Usage: rungraph COMMAND

  start      server and worker, until Ctrl-C          (npm start)
  demo       imports, trains, ranks, submits          (npm run demo -- --help)
  predict    predicts a folder with a run's weights   (npx rungraph predict --help)
  keys       makes, lists and revokes API keys        (npx rungraph keys --help)
  backup     writes database and blobs into one file  (npx rungraph backup --help)
  restore    fills an empty home or database from one (npx rungraph restore --help)
  gc         removes what is unneeded or too old      (npx rungraph gc --help)
  migrate    brings the database up to date and ends

Environment: RUNGRAPH_HOME (.rungraph), DATABASE_URL (embedded PostgreSQL), HOST, PORT (4000), ENGINE, DEVICE, RUNGRAPH_LOG
`;

await runProgram(async () => {
  const [command, ...args] = process.argv.slice(2);
  // Each brings what it needs, some of it for a second or two.
  switch (command) {
    case 'start':
      return (await import('./start.ts')).start(args, process.env);
    case 'demo':
      return (await import('./demo/demo.ts')).demo(args, process.env);
    case 'predict': {
      const stop = awaitStop();
      return (await import('./predict/predict.ts')).predict(args, process.env, stop);
    }
    case 'keys':
      return (await import('./keys/keys.ts')).keys(args, await config());
    case 'backup':
      return (await import('./backup.ts')).backup(args, await config());
    case 'restore':
      return (await import('./backup.ts')).restore(args, await config());
    case 'gc':
      return (await import('./gc.ts')).gc(args, await config());
    case 'migrate':
      return (await import('./migrate.ts')).migrateOnly(args, process.env);
    case undefined:
    case 'help':
    case '--help':
      process.stdout.write(usage);
      return 0;
    default:
      throw new StartupError(`Unknown command ${JSON.stringify(command)}\n\n${usage}`);
  }
});

async function config(): Promise<Config> {
  return (await import('../config.ts')).readConfig(process.env);
}
