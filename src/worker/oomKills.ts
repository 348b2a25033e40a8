import { readFile } from 'node:fs/promises';

/** Reads how many processes the kernel has killed for memory: some counters, each of which only ever grows. */
export type OomCounters = () => Promise<readonly number[]>;

/**
 * Of this machine, and of this process's control group in either version of cgroups, whose kills a container may see only there. Empty
 * where the system does not tell.
 */
export const kernelOomCounters: OomCounters = async () => {
  const groups = await readFile('/proc/self/cgroup', 'utf8').catch(() => '');
  const files = new Set(['/proc/vmstat']);
  for (const line of groups.split('\n')) {
    const [, controllers, group] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    // A container sees its own group at the root.
    for (const at of [group, '/']) {
      if (controllers === '') files.add(`/sys/fs/cgroup${at}/memory.events`);
      else if (controllers === 'memory') files.add(`/sys/fs/cgroup/memory${at}/memory.oom_control`);
    }
  }
  const texts = await Promise.all([...files].map((file) => readFile(file, 'utf8').catch(() => '')));
  return texts.map((text) => Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0));
};

/** Tells whether the kernel has just killed a process for memory: within the last two looks, which are taken every second or so. */
export class OomKillWatch {
  readonly #read: OomCounters;
  #looks: Promise<readonly number[]>[];

  constructor(read: OomCounters = kernelOomCounters) {
    this.#read = read;
    this.#looks = [read()];
  }

  look(): void {
    this.#looks = [...this.#looks.slice(-1), this.#read()];
  }

  async killed(): Promise<boolean> {
    const [before, now] = await Promise.all([this.#looks[0]!, this.#read()]);
    return now.some((count, i) => count > (before[i] ?? 0));
  }
}
