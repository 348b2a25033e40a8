import { open } from 'node:fs/promises';

export type ArchiveFormat = 'zip' | 'tar' | 'tar.gz';

/** What kind of archive a file is, by its first bytes; undefined when it is none that can be read. */
export async function archiveFormat(file: string): Promise<ArchiveFormat | undefined> {
  const handle = await open(file, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(512), 0, 512, 0);
    const head = buffer.subarray(0, bytesRead);
    const starts = (text: string, at = 0) => head.subarray(at, at + text.length).toString('latin1') === text;
    // The second is an archive of nothing.
    if (starts('PK\x03\x04') || starts('PK\x05\x06')) return 'zip';
    if (starts('\x1f\x8b')) return 'tar.gz';
    if (starts('ustar', 257)) return 'tar';
    return undefined;
  } finally {
    await handle.close();
  }
}

export const notAnArchive = 'is neither a zip, a tar nor a tar.gz archive';
