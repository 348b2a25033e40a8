/** Writes the ONNX model of a run's weights file to stdout. Started by src/commands/onnxConverter.ts. */

import { onnxModel } from '../models/onnxModel.ts';
import { openSavedModel } from '../models/savedModel.ts';
import { runProgram } from './process.ts';

await runProgram(async () => {
  const saved = await openSavedModel(process.argv[2]!);
  for await (const piece of onnxModel(saved)) {
    await new Promise<void>((resolve, reject) => {
      process.stdout.write(piece, (error) => (error ? reject(error) : resolve()));
    });
  }
  await saved.close();
  return 0;
});
