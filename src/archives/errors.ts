/** The archive as a whole is refused: nothing in it can be trusted, or nothing that follows can be read. */
export class ArchiveError extends Error {
  override readonly name = 'ArchiveError';
}

/** One file of an archive cannot be read; those that follow can. */
export class DamagedEntryError extends Error {
  override readonly name = 'DamagedEntryError';
}
