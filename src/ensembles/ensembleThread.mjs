/** Entry of an ensemble thread. Plain JavaScript: it registers the TypeScript loader, whatever started the parent process. */

import { register } from 'tsx/esm/api';

register();
await import('./ensembleThread.ts');
