import path from 'node:path';
import type { BlobStore } from '../blobs/blobStore.ts';
import { createLocalStore } from '../blobs/localStore.ts';
import type { Config } from '../config.ts';
import { messageOf, StartupError } from '../errors.ts';

/** The store that the configuration names. The S3 client is loaded when it is needed. Throws StartupError when the bucket takes nothing. */
export async function openBlobStore(config: Pick<Config, 'blobs' | 'home' | 'cacheLimitBytes'>): Promise<BlobStore> {
  const { blobs, home, cacheLimitBytes } = config;
  if (blobs.kind === 'folder') return createLocalStore(blobs.path);
  const [{ S3Client }, { createS3Store }] = await Promise.all([
    import('@aws-sdk/client-s3'),
    import('../blobs/s3Store.ts'),
  ]);
  const { AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_S3 } = process.env;
  // Stores other than Amazon's have one host name for all buckets.
  const client = new S3Client({ forcePathStyle: (AWS_ENDPOINT_URL_S3 ?? AWS_ENDPOINT_URL) !== undefined });
  const cacheDirectory = path.join(home, 'cache', 'blobs');
  const store = createS3Store({ ...blobs, client, cacheDirectory, cacheLimitBytes });
  await store.checkWritable().catch((error: unknown) => {
    throw new StartupError(
      `RUNGRAPH_BLOBS: ${messageOf(error)}. The bucket must be there; AWS_ENDPOINT_URL_S3, AWS_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY say where and who`,
    );
  });
  return store;
}
