/** The trainer itself, which from its first points on can map MORE_ADDRESS_SPACE bytes more than it has: allocations beyond really fail. */

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { TrainerEvent } from '../../src/domain/trainer.ts';

const send = process.send!.bind(process);
let limited = false;
process.send = (event: TrainerEvent, ...rest: never[]) => {
  if (event.kind === 'metrics' && !limited) {
    limited = true;
    const kilobytes = Number(/^VmSize:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))![1]);
    const limit = kilobytes * 1024 + Number(process.env.MORE_ADDRESS_SPACE);
    execFileSync('/usr/bin/prlimit', ['--pid', String(process.pid), `--as=${limit}`]);
  }
  return send(event, ...rest);
};
await import('../../src/bin/trainer.ts');
