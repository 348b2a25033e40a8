import { messageOf } from '../errors.ts';
import { openSafetensors } from './safetensors.ts';
import { openFile, type TensorFile, TensorFileError } from './tensorFile.ts';
import { openTorchFile } from './torchFile.ts';

/**
 * Opens a file of weights, safetensors or PyTorch: its first bytes tell which, not its name.
 * @throws TensorFileError naming the file when it is missing, malformed or something else
 */
export async function openTensorFile(path: string): Promise<TensorFile> {
  const start = await firstBytes(path);
  if (start.subarray(0, 4).equals(zipMagic)) return openTorchFile(path, 'zip');
  if (start[0] === 0x80 && start.includes(legacyMagic)) return openTorchFile(path, 'legacy');
  const text = start.toString('latin1');
  const known = otherContents.find(({ pattern }) => pattern.test(text));
  if (known) throw new TensorFileError(`${path} is ${known.name}, not weights`);
  // Eight bytes of length, then JSON.
  if (start[8] !== 0x7b) throw new TensorFileError(`${path} is neither a PyTorch nor a safetensors file`);
  return openSafetensors(path);
}

const zipMagic = Buffer.from('PK\x03\x04');
/** A pickle (0x80) whose first value is the ten bytes of 0x1950a86a20f9469cfc6c. */
const legacyMagic = Buffer.from([0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19]);

/** What is found in place of weights. */
const otherContents = [
  { pattern: /^version https:\/\/git-lfs/, name: 'a Git LFS pointer (its content was not fetched: git lfs pull)' },
  { pattern: /^\s*<(!doctype|html|\?xml)/i, name: 'a web page' },
  { pattern: /^\x89HDF/, name: 'an HDF5 file' },
  { pattern: /^\x93NUMPY/, name: 'a NumPy array' },
];

async function firstBytes(path: string): Promise<Buffer> {
  const handle = await openFile(path);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(64), 0, 64, 0);
    return buffer.subarray(0, bytesRead);
  } catch (error) {
    throw new TensorFileError(`cannot read weights file ${path}: ${messageOf(error)}`);
  } finally {
    await handle.close();
  }
}
