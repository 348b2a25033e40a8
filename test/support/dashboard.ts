import { type ApiServer, type ApiServerOptions, apiServer } from './apiServer.ts';
import { type TestWorker, testWorker } from './worker.ts';

export interface Dashboard extends ApiServer {
  readonly worker: TestWorker;
}

/** A server with the built dashboard, and a worker whose trainers play the script that `weightsUri` names (`scriptedTrainer`). */
export async function startDashboard(options: ApiServerOptions = {}): Promise<Dashboard> {
  const server = await apiServer(options);
  const worker = await testWorker(server.context);
  return {
    ...server,
    worker,
    close: async () => {
      await worker.stop();
      await server.close();
    },
  };
}
