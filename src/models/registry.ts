/** From the catalogue's data to a network. A new family is one file and one case here. */

import type { Architecture } from '../domain/architecture.ts';
import type { Size } from '../domain/trainingConfig.ts';
import type { Body } from './body.ts';
import { convnext } from './convnext.ts';
import { classifier, type Model } from './model.ts';
import { swin } from './swin.ts';
import { swinv2 } from './swinv2.ts';
import { vit } from './vit.ts';

/** The network without classifier for images of `size`. */
export function createBody(architecture: Architecture, size: Size): Body {
  switch (architecture.family) {
    case 'convnext':
      return convnext(architecture);
    case 'vit':
      return vit({ ...architecture, size });
    case 'swin':
      return swin({ ...architecture, size });
    case 'swinv2':
      return swinv2({ ...architecture, size });
  }
}

/** The classifier that a run trains. */
export function createModel(architecture: Architecture, size: Size, classes: number): Model {
  return classifier(createBody(architecture, size), size, classes);
}
