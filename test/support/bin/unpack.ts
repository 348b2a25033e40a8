/** Unpacks an archive into a folder: `unpack.ts ARCHIVE FOLDER`. */

import { defaultArchiveLimits } from '../../../src/archives/limits.ts';
import { unpackArchive } from '../../../src/archives/unpack.ts';

const [archive, folder] = process.argv.slice(2) as [string, string];
await unpackArchive(archive, folder, { limits: defaultArchiveLimits });
