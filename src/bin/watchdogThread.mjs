/** The thread of watchdog.ts. Plain JavaScript, so that it needs no loader: it shall be there before anything is computed. */

import { Socket } from 'node:net';
import { workerData } from 'node:worker_threads';

const { descriptor, silence, over } = workerData;
const ticks = 10;
const end = () => process.kill(process.pid, 'SIGKILL');

let silent = 0;
let lookedAt = Date.now();
// Ticks are counted, not time: a process that was stopped together with its worker hears it before the next tick.
setInterval(() => {
  const now = Date.now();
  // Stopped for so long that another worker may have taken over.
  if (now - lookedAt > over) end();
  lookedAt = now;
  if (++silent >= ticks) end();
}, silence / ticks);

new Socket({ fd: descriptor, readable: true, writable: false })
  .on('data', () => {
    silent = 0;
  })
  .on('error', end)
  .on('close', end);
