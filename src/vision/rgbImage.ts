/** 8-bit RGB pixels, rows top to bottom, three bytes per pixel. */
export interface RgbImage {
  readonly width: number;
  readonly height: number;
  /** width * height * 3 bytes. */
  readonly data: Uint8Array;
}

/** An image that cannot be decoded. `path` names the file; `reason` says what is wrong with it. */
export class ImageUnreadableError extends Error {
  override readonly name = 'ImageUnreadableError';
  readonly path: string;
  readonly reason: string;

  constructor(path: string, reason: string) {
    super(`${path}: ${reason}`);
    this.path = path;
    this.reason = reason;
  }
}
