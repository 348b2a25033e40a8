import { readConfig } from '../config.ts';
import { StartupError } from '../errors.ts';
import { backup, restore } from './backup.ts';
import { demo } from './demo/demo.ts';
import { gc } from './gc.ts';
import { keys } from './keys/keys.ts';
import { migrateOnly } from './migrate.ts';
import { predict } from './predict/predict.ts';
import { runProgram } from './process.ts';
import { start } from './start.ts';

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
  switch (command) {
    case 'start':
      return start(args, process.env);
    case 'demo':
      return demo(args, process.env);
    case 'predict':
      return predict(args, process.env);
    case 'keys':
      return keys(args, readConfig(process.env));
    case 'backup':
      return backup(args, readConfig(process.env));
    case 'restore':
      return restore(args, readConfig(process.env));
    case 'gc':
      return gc(args, readConfig(process.env));
    case 'migrate':
      return migrateOnly(args, process.env);
    case undefined:
    case 'help':
    case '--help':
      process.stdout.write(usage);
      return 0;
    default:
      throw new StartupError(`Unknown command ${JSON.stringify(command)}\n\n${usage}`);
  }
});
