/** In words how the rows below differ from what was asked for, if they do. */
export function ListState({
  outdated,
  refused,
  waiting,
}: {
  /** They are those of the question before. */
  readonly outdated: boolean;
  /** The filter cannot be read. */
  readonly refused: boolean;
  /** Their order is not the newest. */
  readonly waiting: boolean;
}) {
  return <span role="status">{textOf({ outdated, refused, waiting })}</span>;
}

function textOf({ outdated, refused, waiting }: Parameters<typeof ListState>[0]): string {
  if (refused) return 'Still the rows of the last filter that could be read';
  if (outdated) return 'Loading …';
  return waiting ? 'Places have changed; rows move when the pointer leaves them' : '';
}
