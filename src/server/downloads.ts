/** Bytes that GraphQL only links to; the paths are those of src/graphql/urls.ts. */

import { once } from 'node:events';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Router as createRouter, type Response, type Router } from 'express';
import { readImportedImage } from '../files/datasetImage.ts';
import type { Services } from '../graphql/context.ts';
import { getArtifacts } from '../store/artifact.ts';
import { findDataset, findSample } from '../store/dataset.ts';
import { getEnsembles } from '../store/ensemble.ts';
import { findExperiment } from '../store/experiment.ts';
import { getPredictionSets, readImageIds, readPredictions } from '../store/prediction.ts';
import type { Queryable } from '../store/queryable.ts';
import { getRuns } from '../store/run.ts';
import { getSubmissions } from '../store/submission.ts';
import { ImageUnreadableError } from '../vision/rgbImage.ts';
import { createThumbnailCache } from '../vision/thumbnail.ts';
import { attachmentNamed } from './fileName.ts';
import { predictionFile } from './predictionFile.ts';
import { answerNotFound, sendError } from './requests.ts';

/** Pixels that a thumbnail's longer side may have, `?side=`; the first unless it is asked for. */
const thumbnailSides = [160, 640];
/** Bytes of thumbnails kept in memory: some thousands. */
const thumbnailMemory = 32 * 2 ** 20;

export function downloadRoutes({ commands: { db, blobs, files } }: Services): Router {
  const router = createRouter();
  const thumbnails = createThumbnailCache(thumbnailMemory);

  // No id holds it, and PostgreSQL does not let one look for it.
  router.use((request, response, next) =>
    request.path.includes('%00') ? answerNotFound(request, response, next) : next(),
  );

  router.get('/submissions/:id.csv', async ({ params: { id } }, response) => {
    const submission = (await getSubmissions(db.prisma, [id])).get(id);
    if (!submission) return sendError(response, 404, `There is no submission ${id}`);
    const disposition = attachmentNamed(await namesOf(db.prisma, submission), '.csv', id);
    const bytes = blobs.open(submission.contentHash);
    await once(bytes, 'open'); // Fails here when they are gone: before anything is sent.
    attach(response, disposition, 'text/csv; charset=utf-8', submission.bytes);
    await pipeline(bytes, response);
  });

  router.get('/prediction-sets/:id.safetensors', async ({ params: { id } }, response) => {
    const set = (await getPredictionSets(db.prisma, [id])).get(id);
    if (!set) return sendError(response, 404, `There is no prediction set ${id}`);
    const [imageIds, probabilities] = await Promise.all([readImageIds(db.prisma, id), readPredictions(db.prisma, id)]);
    const file = predictionFile(set, imageIds, probabilities);
    const kind = set.kind === 'PLAIN' ? [] : [set.kind.toLowerCase()];
    const names = [...(await namesOf(db.prisma, set)), set.split.toLowerCase(), ...kind];
    attach(response, attachmentNamed(names, '.safetensors', id), 'application/octet-stream', file.length);
    response.end(file);
  });

  router.get('/artifacts/:id', async ({ params: { id } }, response) => {
    const artifact = (await getArtifacts(db.prisma, [id])).get(id);
    if (!artifact) return sendError(response, 404, `There is no artifact ${id}`);
    const { runId, name, contentHash } = artifact;
    if (!(await blobs.has(contentHash))) {
      return sendError(
        response,
        404,
        `${name} of run ${runId} is not among this server's blobs: a worker with another RUNGRAPH_HOME wrote it, or it was removed`,
      );
    }
    const extension = /\.[A-Za-z0-9]{1,16}$/.exec(name)?.[0] ?? '';
    const names = [...(await namesOf(db.prisma, artifact)), name.slice(0, name.length - extension.length)];
    const disposition = attachmentNamed(names, extension, id);
    response.set({ ...attachment(disposition, 'application/octet-stream'), etag: `"${contentHash}"` });
    await sendFile(response, await blobs.local(contentHash));
  });

  router.get('/images/:datasetId/:position/thumbnail', async ({ params, query, headers }, response) => {
    const side = thumbnailSides.find((known) => String(known) === (query.side ?? String(thumbnailSides[0])));
    if (!side) return sendError(response, 400, `side must be one of ${thumbnailSides.join(', ')}`);
    const position = /^\d{1,9}$/.test(params.position) ? Number(params.position) : -1;
    const dataset = await findDataset(db.prisma, { id: params.datasetId });
    const image = dataset && (await findSample(db.prisma, dataset.id, position));
    if (!image) return sendError(response, 404, `There is no image ${params.position} in data set ${params.datasetId}`);
    const etag = `"${image.contentHash}-${side}"`;
    if (headers['if-none-match'] === etag) return void response.status(304).end();
    try {
      const read = () => readImportedImage(files, { ...image, root: dataset.root });
      const file = { path: path.join(dataset.root, image.path), contentHash: image.contentHash, read };
      const bytes = await thumbnails.get(file, side);
      response.set({ 'cache-control': 'private, max-age=86400', etag }).type('jpeg').send(bytes);
    } catch (error) {
      if (!(error instanceof ImageUnreadableError)) throw error;
      sendError(response, 404, error.message);
    }
  });

  return router;
}

/** Names of the experiment and of the ensemble or run that something was made of; fewer when they are gone. */
async function namesOf(
  db: Queryable,
  { ensembleId, runId }: { readonly ensembleId?: string | null; readonly runId: string | null },
): Promise<string[]> {
  const source = ensembleId
    ? (await getEnsembles(db, [ensembleId])).get(ensembleId)
    : runId && (await getRuns(db, [runId])).get(runId);
  if (!source) return [];
  const experiment = await findExperiment(db, { id: source.experimentId });
  return [...(experiment ? [experiment.name] : []), source.name];
}

/** Content under an id never changes, so it may be kept. */
function attach(response: Response, disposition: string, type: string, bytes: number): void {
  response.set({ ...attachment(disposition, type), 'content-length': String(bytes) });
}

function attachment(disposition: string, type: string): Record<string, string> {
  return {
    'cache-control': 'private, max-age=31536000, immutable',
    'content-disposition': disposition,
    'content-type': type,
  };
}

/** Sends a file that may be large: whole, or the ranges asked for. Settles when it is sent or nobody waits for it any more. */
function sendFile(response: Response, file: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const options = { root: path.dirname(file), cacheControl: false, lastModified: false };
    response.sendFile(path.basename(file), options, (error?: Error) => {
      if (error && !response.headersSent) reject(error);
      else resolve();
    });
  });
}
