import { openSafetensors } from './safetensors.ts';
import type { TensorFile } from './tensorFile.ts';

/**
 * Opens a file of weights.
 * @throws TensorFileError naming the file when it is missing, malformed or something else
 */
export async function openTensorFile(path: string): Promise<TensorFile> {
  return openSafetensors(path);
}
