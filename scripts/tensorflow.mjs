/**
 * npm run tensorflow: completes the optional TensorFlow engine for machines with a CUDA GPU. Its native library (libtensorflow
 * for GPU, several hundred MB, from a host of Google's) comes by an install script, which does not run on `npm ci`.
 * Not verified: the machine this was written on has neither a GPU nor that host; seen there is only how it fails.
 */
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const name = '@tensorflow/tfjs-node-gpu';
const root = fileURLToPath(new URL('..', import.meta.url));
const npm = process.env.npm_execpath;
const [command, args] = npm?.endsWith('.js') ? [process.execPath, [npm]] : ['npm', []];

console.log(`Downloading and building the native part of ${name} …`);
const { status } = spawnSync(command, [...args, 'rebuild', name, '--ignore-scripts=false', '--foreground-scripts'], {
  cwd: root,
  stdio: 'inherit',
});
const problem = status === 0 ? loadingProblem() : 'its install script failed, see above';
if (problem) {
  console.error(
    `\n${name} is not usable: ${problem}.\nIt needs Linux on x64, access to the host it downloads from, CUDA 11.2 or newer with cuDNN 8, and where no` +
      ' prebuilt binding fits, Python and a C++ compiler.\nRungraph works without it: the ONNX Runtime engine needs nothing more.',
  );
  process.exit(1);
}
console.log('TensorFlow is ready: ENGINE=auto chooses it when it sees a GPU.');

function loadingProblem() {
  try {
    createRequire(import.meta.url)(name);
    return undefined;
  } catch (error) {
    return error.message.split('\n')[0];
  }
}
