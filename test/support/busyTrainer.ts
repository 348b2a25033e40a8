/**
 * A trainer that computes without a pause, so that it hears nothing and only its watchdog can end it: it writes `RUN ATTEMPT PID` and the time
 * into the file that `config.weightsUri` names until that file's neighbour `FILE.done` is there.
 */

import { appendFileSync, existsSync } from 'node:fs';
import { startWatchdog } from '../../src/bin/watchdog.ts';
import type { TrainerCommand, TrainerEvent } from '../../src/domain/trainer.ts';

const send = (event: TrainerEvent) => new Promise<void>((resolve) => process.send!(event, () => resolve()));

startWatchdog();
process.once('message', async ({ job }: TrainerCommand & { kind: 'job' }) => {
  const file = job.config.weightsUri!;
  const environment = { engine: 'onnxruntime', device: 'script', precision: 'FP32', versions: {} } as const;
  await send({ kind: 'started', environment, resumedFrom: null });
  for (let wroteAt = 0; !existsSync(`${file}.done`); ) {
    if (Date.now() - wroteAt < 10) continue;
    wroteAt = Date.now();
    appendFileSync(file, `${job.runId} ${job.attempt} ${process.pid} ${wroteAt}\n`);
  }
  await send({ kind: 'finished', imagesPerSecond: 1, peakMemory: 1, trainSeconds: 1 });
  process.exit(0);
});
