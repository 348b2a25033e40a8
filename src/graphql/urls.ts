/** Paths of what the server hands out besides GraphQL. Their routes are in src/server/downloads.ts. */

export function thumbnailUrl(image: { readonly datasetId: string; readonly position: number }): string {
  return `/images/${image.datasetId}/${image.position}/thumbnail`;
}

export function predictionSetUrl(id: string): string {
  return `/prediction-sets/${id}.safetensors`;
}

export function submissionUrl(id: string): string {
  return `/submissions/${id}.csv`;
}

export function artifactUrl(id: string): string {
  return `/artifacts/${id}`;
}
