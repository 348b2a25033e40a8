/** Opens a pipeline in a child process and sends back the first values of a batch. */

import { type ImagePipelineOptions, openImagePipeline } from '../../src/vision/pipeline.ts';

process.once('message', async (options: ImagePipelineOptions) => {
  const pipeline = await openImagePipeline(options);
  for await (const { images } of pipeline.batches([{ indices: [0, 1], mode: 'valid', seed: 1 }])) {
    process.send!([...images.subarray(0, 6)]);
  }
  await pipeline.close();
  process.disconnect();
});
