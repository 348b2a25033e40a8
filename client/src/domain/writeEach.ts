/** One write for each of many objects, and what became of each. */

export interface Target {
  readonly key: string;
  readonly name: string;
}

export interface Refusal extends Target {
  readonly problem: string;
}

/** Writes that are on their way at once. */
const abreast = 4;

/**
 * Writes for every target; one that is refused, or fails, stops no other.
 * @param write what the server has against it; null: it is done
 * @param onDone called after each, with how many have been tried
 * @returns the refused ones, in the order of the targets
 */
export async function writeEach(
  targets: readonly Target[],
  write: (target: Target) => Promise<string | null>,
  onDone: (tried: number) => void = () => {},
): Promise<readonly Refusal[]> {
  const problems = new Map<string, string>();
  let next = 0;
  let tried = 0;
  const work = async () => {
    while (next < targets.length) {
      const target = targets[next++]!;
      const problem = await write(target).catch((error: unknown) =>
        error instanceof Error ? error.message : String(error),
      );
      if (problem !== null) problems.set(target.key, problem);
      onDone(++tried);
    }
  };
  await Promise.all(Array.from({ length: abreast }, work));
  return targets.flatMap((target) => {
    const problem = problems.get(target.key);
    return problem === undefined ? [] : { ...target, problem };
  });
}
