/** The server alone: further workers and servers on other machines share its database through DATABASE_URL. */

import { readConfig } from '../config.ts';
import { createLogger } from '../log.ts';
import { startInstallation } from './installation.ts';
import { awaitStop, runProgram } from './process.ts';

await runProgram(async () => {
  const config = readConfig(process.env);
  const stop = awaitStop();
  const server = await startInstallation(config, createLogger('server', config.logLevel), { worker: false });
  process.stdout.write(`Rungraph server at ${server.url}\n`);
  await stop.requested;
  await server.stop();
  return 0;
});
