/** A trainer that tells everything it knows, and crashes. */

import { readFileSync } from 'node:fs';
import type { TrainerCommand } from '../../src/domain/trainer.ts';

process.on('message', (command: TrainerCommand) => {
  if (command.kind !== 'job') return;
  console.log(`environment ${JSON.stringify(process.env)}`);
  console.log(`as started ${JSON.stringify(readFileSync('/proc/self/environ', 'utf8'))}`);
  console.log(`arguments ${JSON.stringify([process.argv, process.execArgv])}`);
  console.log(`job ${JSON.stringify(command.job)}`);
  throw new Error('it has told everything');
});
