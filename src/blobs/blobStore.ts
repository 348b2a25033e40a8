import type { Readable } from 'node:stream';

export interface StoredBlob {
  /** SHA-256 of the bytes, lower-case hexadecimal. */
  readonly hash: string;
  /** Bytes. */
  readonly size: number;
}

export interface BlobEntry extends StoredBlob {
  /** When these bytes were last stored: storing equal bytes again makes it new. By the clock of the store. */
  readonly storedAt: Date;
}

/**
 * Bytes under the name of their SHA-256: equal content is stored once, and what is there is whole. Rows that name a blob are
 * written, and blobs are deleted, through commands/blobs.ts only: it keeps the two from crossing.
 */
export interface BlobStore {
  /** Stores the bytes. Refused as UNAVAILABLE when there is no space or nothing can be written; then, and after any other failure, nothing is left behind. */
  put(content: Uint8Array | AsyncIterable<Uint8Array>): Promise<StoredBlob>;
  /**
   * Stores a file that nobody writes to any more by moving it; from another file system it is copied. It is gone afterwards.
   * Refused as `put` is; then, and after any other failure, it is where it was.
   */
  adopt(file: string): Promise<StoredBlob>;
  /** A stream of the bytes; it fails with ENOENT when there is no such blob. */
  open(hash: string): Readable;
  /** Path of a file with the bytes on this machine, to be read only: the blob itself or a copy. Fails with ENOENT when there is no such blob. */
  local(hash: string): Promise<string>;
  has(hash: string): Promise<boolean>;
  /** Null when there is no such blob. */
  find(hash: string): Promise<BlobEntry | null>;
  /** Every blob, in no order. Blobs that come or go meanwhile may be among them or not. */
  list(): AsyncIterable<BlobEntry>;
  /** Removes the blob if it is there. */
  delete(hash: string): Promise<void>;
  /** Fails when nothing can be stored now. Leaves nothing behind. */
  checkWritable(): Promise<void>;
}
