/** Opens and closes pipelines in the midst of their batches, in a process that nothing else keeps alive, and says so. */

import { type ImagePipelineOptions, openImagePipeline } from '../../../src/vision/pipeline.ts';

const options = JSON.parse(process.argv[2]!) as ImagePipelineOptions;
const requests = Array.from({ length: 8 }, () => ({ indices: [0], mode: 'valid', seed: 1 }) as const);
for (let round = 0; round < 3; round++) {
  const pipeline = await openImagePipeline(options);
  for await (const _ of pipeline.batches(requests)) break;
  await pipeline.close();
}
process.stdout.write('closed');
