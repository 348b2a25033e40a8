/** The notebook's report_gpu, for whatever the workers compute on: every device with the processes that hold its memory. */

import type { WorkerState } from './operations.ts';

/** Lines in the form of torch.cuda.list_gpu_processes; MB are 2^20 bytes, as there. */
export function deviceReport(workers: readonly WorkerState[]): string[] {
  return workers
    .filter((worker) => worker.online)
    .flatMap((worker) =>
      worker.devices.flatMap(({ index, kind, name, processes }) => [
        `${kind === 'CPU' ? 'CPU' : 'GPU'}:${index} ${name} of ${worker.host}`,
        ...(processes.length ? processes.map(describeProcess) : ['no processes are running']),
      ]),
    );
}

function describeProcess({ pid, memory, run }: WorkerState['devices'][number]['processes'][number]): string {
  const megabytes = (memory / 2 ** 20).toFixed(3);
  const line = `process ${String(pid).padStart(10)} uses ${megabytes.padStart(12)} MB memory`;
  return run ? `${line}  ${run.name}` : line;
}
