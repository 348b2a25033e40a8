/** Runs one body at a time and refuses a second: steps over one state must not overlap. One for each state. */
export function createExclusion(): <T>(body: () => Promise<T>) => Promise<T> {
  let running = false;
  return async (body) => {
    if (running) throw new Error('A step over this state is still running: await it before starting the next.');
    running = true;
    try {
      return await body();
    } finally {
      running = false;
    }
  };
}
