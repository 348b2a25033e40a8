import { spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { open, rm, statfs } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

/** Why no file system can be mounted here; undefined when one can. Tests that need one are skipped with it. */
export const noSmallDisk: string | undefined = (() => {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'only root on Linux can mount a file system';
  const folder = mkdtempSync(path.join(os.tmpdir(), 'rungraph-disk-'));
  const { status, stderr } = mount(folder, ['size=1m']);
  spawnSync('umount', [folder]);
  return status === 0 ? undefined : `no file system can be mounted: ${stderr}`;
})();

function mount(folder: string, options: readonly string[]) {
  return spawnSync('mount', ['-t', 'tmpfs', '-o', options.join(','), 'rungraph-test', folder], { encoding: 'utf8' });
}

/** A file system of its own. */
export interface SmallDisk {
  readonly path: string;
  /** Takes all of its space but for so many bytes. */
  fill(leave?: number): Promise<void>;
  /** Gives that back. */
  free(): Promise<void>;
  setReadOnly(readOnly: boolean): void;
  remove(): Promise<void>;
}

export function smallDisk(megabytes: number): SmallDisk {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'rungraph-disk-'));
  const { status, stderr } = mount(folder, [`size=${megabytes}m`]);
  if (status !== 0) throw new Error(`${folder} cannot be mounted: ${stderr}`);
  const ballast = path.join(folder, 'ballast');
  return {
    path: folder,
    fill: async (leave = 0) => {
      const { bavail, bsize } = await statfs(folder);
      const file = await open(ballast, 'a');
      const chunk = Buffer.alloc(bsize);
      for (let left = bavail - Math.ceil(leave / bsize); left > 0; left--) await file.write(chunk).catch(() => {});
      await file.close();
    },
    free: () => rm(ballast, { force: true }),
    setReadOnly: (readOnly) => {
      const { status: changed } = spawnSync('mount', ['-o', `remount,${readOnly ? 'ro' : 'rw'}`, folder]);
      if (changed !== 0) throw new Error(`${folder} cannot be made ${readOnly ? 'read-only' : 'writable'}`);
    },
    remove: async () => {
      spawnSync('umount', ['-l', folder]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
