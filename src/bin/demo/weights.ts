/** Are the pretrained weights to be had? Asked before anything is done that takes long. */

import { StartupError } from '../../errors.ts';
import { HubError } from '../../hub/errors.ts';
import type { Hub } from '../../hub/hub.ts';
import { pretrainedReference } from '../../worker/weights.ts';

/** Throws StartupError that says for each architecture what is missing, and what can be done. Nothing is downloaded. */
export async function requireWeights(hub: Hub, architectures: readonly string[], signal: AbortSignal): Promise<void> {
  const problems = await Promise.all(
    [...new Set(architectures)].map(async (architecture) => {
      try {
        await hub.check(pretrainedReference(architecture), { signal });
        return [];
      } catch (error) {
        if (!(error instanceof HubError)) throw error;
        return [`  ${architecture}: ${error.message}`];
      }
    }),
  );
  if (!problems.flat().length) return;
  throw new StartupError(
    [
      'The recipe starts from pretrained weights, and these cannot be had:',
      ...problems.flat(),
      'Any of these helps:',
      '  --random-weights               do without them: everything runs, but the errors say little about the recipe',
      '  HF_ENDPOINT, HF_TOKEN          another hub that can be reached, an access token',
      '  HF_HOME or HF_HUB_CACHE        a cache that has them, filled on another machine: hf download timm/NAME',
    ].join('\n'),
  );
}
