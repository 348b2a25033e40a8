/** A file of the hub cannot be had. The message names the file and where it was asked for. */
export class HubError extends Error {
  override readonly name = 'HubError';
  /** Whether the same request may succeed later: the network or the server failed. */
  readonly retryable: boolean;
  /** The repository exists, the file does not. */
  readonly missingFile: boolean;

  constructor(message: string, { retryable = false, missingFile = false } = {}) {
    super(message);
    this.retryable = retryable;
    this.missingFile = missingFile;
  }
}
