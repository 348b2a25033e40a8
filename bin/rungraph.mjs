#!/usr/bin/env node
/** `npx rungraph …` inside a clone: installs what is missing, as every npm script does, then runs the command line in TypeScript. */
import '../scripts/bootstrap.mjs';

const { register } = await import('tsx/esm/api');
register();
await import('../src/bin/cli.ts');
