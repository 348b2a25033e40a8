import { type ApiServer, apiServer } from './apiServer.ts';
import { testContext } from './commandContext.ts';
import { quickRetries } from './retries.ts';
import { testWorker } from './worker.ts';

/** A server with the built dashboard, and a worker whose trainers play the script that `weightsUri` names (`scriptedTrainer`). */
export async function startDashboard(): Promise<ApiServer> {
  const context = { ...(await testContext()), retries: quickRetries };
  const server = await apiServer({ context });
  const worker = await testWorker(context);
  return {
    ...server,
    close: async () => {
      await worker.stop();
      await server.close();
      await context.close();
    },
  };
}
