/** Where the file has the numbers of a storage. */
export interface StoragePlace {
  position(): Promise<number>;
  readonly bytes: number;
}

/** What a file holds, whichever container it has. */
export interface TorchArchive {
  /** The object that was saved. */
  readonly value: unknown;
  /** Undefined when the file lacks it. */
  place(storageKey: string): StoragePlace | undefined;
}

/** Bytes. A model of a thousand tensors has a pickle of some 100 kB. */
export const largestPickle = 16 * 2 ** 20;
