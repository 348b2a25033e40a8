/** `npm run demo`: the main job from images to submission, done by a GraphQL client against a server of its own. */

import { type Config, readConfig } from '../../config.ts';
import { createHub } from '../../hub/hub.ts';
import { createLogger } from '../../log.ts';
import { startInstallation } from '../installation.ts';
import { awaitStop } from '../process.ts';
import { chooseScale } from './chooseScale.ts';
import { createGraphqlClient, type GraphqlClient } from './client.ts';
import { readWorkers } from './dataStages.ts';
import { type DemoOptions, demoUsage, parseDemoOptions } from './options.ts';
import { type Preset, quick } from './presets.ts';
import { recipePreset } from './recipe.ts';
import { scales } from './scales.ts';
import { createStopwatch } from './stopwatch.ts';
import { reserveSummary, writeSummary } from './summary.ts';
import { requireWeights } from './weights.ts';
import { say, work } from './work.ts';

/** Runs the demo with command line `args`; returns the exit status. */
export async function demo(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  const options = parseDemoOptions(args);
  if (!options) {
    process.stdout.write(demoUsage);
    return 0;
  }
  // Log lines would tear the bars apart: only what is worth a warning, unless asked for more.
  const config = readConfig({ RUNGRAPH_LOG: 'warn', ...env });
  if (options.json !== undefined) await reserveSummary(options.json);
  const stop = awaitStop();
  const watch = createStopwatch();

  say('Starting the database, the server and a worker …');
  const installation = await watch.time('start', () =>
    startInstallation(config, createLogger('server', config.logLevel), { worker: true }),
  );
  const client = createGraphqlClient(installation.url, stop.signal, config.apiKey);
  try {
    say(`Dashboard: ${installation.url}   GraphiQL: ${installation.url}/graphiql\n`);
    const preset = await choosePreset(client, options, config, stop.signal);
    const result = await work(client, preset, { data: options.data, home: config.home, watch, signal: stop.signal });
    if (options.json !== undefined) await writeSummary(options.json, result);
    if (options.exit) return 0;
    say('The server stays up. Ctrl-C stops it.');
    await stop.requested;
    return 0;
  } catch (error) {
    // Whatever was interrupted fails in its own way; the reason is the signal.
    if (stop.signal.aborted) return await stop.requested;
    throw error;
  } finally {
    if (stop.signal.aborted) say('\nStopping …');
    await client.close();
    await installation.stop();
  }
}

/** What is to be done, said for the recipe; its weights are there or can be downloaded. */
async function choosePreset(
  client: GraphqlClient,
  { preset, scale, randomWeights, epochs }: DemoOptions,
  config: Config,
  signal: AbortSignal,
): Promise<Preset> {
  if (preset === 'quick') {
    return epochs === undefined ? quick : { ...quick, config: { ...quick.config, epochs } };
  }
  const chosen = scale ? { scale, reason: null } : chooseScale(await readWorkers(client, signal));
  const { name, about } = scales[chosen.scale];
  const recipe = recipePreset(scales[chosen.scale], { pretrained: !randomWeights, epochs });
  say('The notebook "Scaling Up: Road to the Top, Part 3", see examples/road-to-the-top/');
  say(`scale    ${name}: ${about}`);
  if (chosen.reason !== null) say(`         chosen because ${chosen.reason}; --scale takes another`);
  if (randomWeights) {
    say('weights  random (--random-weights): all of it runs, but the errors say little about the recipe');
  } else {
    const networks = recipe.sweeps.flatMap((sweep) => sweep.architectures);
    await requireWeights(createHub(config.hub), networks, signal);
    say(`weights  pretrained, from ${config.hub.offline ? config.hub.cacheDirectory : config.hub.endpoint}`);
  }
  say(
    `split    all runs validate on the same images (splitSeed ${recipe.config.splitSeed}), so that the ensemble can be scored; the notebook draws new ones for each`,
  );
  say('It may be interrupted: started again on the same home it goes on and trains nothing twice.\n');
  return recipe;
}
