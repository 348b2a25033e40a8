/** Writes the ONNX model of a run's weights file to stdout. Started by src/commands/onnxConverter.ts. */

import { onnxModel } from '../models/onnxModel.ts';
import { readSavedModel } from '../models/savedModel.ts';
import { runProgram } from './process.ts';

await runProgram(async () => {
  const model = onnxModel(await readSavedModel(process.argv[2]!));
  await new Promise<void>((resolve, reject) => {
    process.stdout.write(model, (error) => (error ? reject(error) : resolve()));
  });
  return 0;
});
