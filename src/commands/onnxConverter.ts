import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

/**
 * The bytes of the ONNX model of a run's weights file, made in a process of its own (src/bin/onnxConverter.ts): tracing loads a
 * tensor library, and a large network lies in memory while its model is written. Throws after the last byte when that process failed.
 */
export async function* convertToOnnx(weightsFile: string): AsyncGenerator<Uint8Array, void> {
  const program = fileURLToPath(new URL('../bin/onnxConverter.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), program, weightsFile], {
    stdio: ['ignore', 'pipe', 'pipe'],
    // It needs nothing of the environment, and secrets are none of its business.
    env: {},
  });
  const closed = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  closed.catch(() => {});
  const complaint = text(child.stderr);
  try {
    yield* child.stdout;
    const status = await closed;
    if (status !== 0) throw new Error(`the conversion to ONNX ended with status ${status}: ${await complaint}`);
  } finally {
    child.kill();
  }
}
