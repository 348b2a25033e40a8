/** Which generated files are out of date, told by a hash of all they are made from. No dependencies. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const codegen = ['node_modules/@graphql-codegen/core', 'node_modules/@graphql-codegen/typescript'];

/** What is generated: its output, and the files and folders it is made from. Later parts are made from earlier ones. */
const parts = {
  prisma: {
    output: 'src/generated/prisma/client.ts',
    inputs: ['prisma/schema.prisma', 'prisma.config.ts'],
    versions: ['node_modules/prisma', 'node_modules/@prisma/client'],
  },
  types: {
    output: 'src/generated/graphql.ts',
    inputs: ['src/graphql', 'codegen.config.mjs', 'scripts/generate.mjs'],
    versions: [...codegen, 'node_modules/@graphql-codegen/typescript-resolvers'],
  },
  operations: {
    output: 'client/src/generated/operations.ts',
    inputs: ['src/graphql', 'client/src', 'codegen.config.mjs', 'scripts/generate.mjs'],
    versions: [
      ...codegen,
      'node_modules/@graphql-codegen/typed-document-node',
      'node_modules/@graphql-codegen/typescript-operations',
    ],
  },
  dashboard: {
    output: 'client/dist/index.html',
    inputs: [
      'client/index.html',
      'client/login.html',
      'client/vite.config.ts',
      'client/tsconfig.json',
      'client/public',
      'client/src',
      'src/graphql',
      'codegen.config.mjs',
    ],
    files: () => true,
    versions: [
      'node_modules/@fontsource-variable/ibm-plex-sans',
      'node_modules/@fontsource/ibm-plex-mono',
      'node_modules/@tanstack/react-query',
      'node_modules/@tanstack/react-virtual',
      'node_modules/react',
      'node_modules/react-dom',
      'node_modules/graphql-ws',
      'node_modules/uplot',
      'node_modules/vite',
      'node_modules/wouter',
    ],
  },
};

const stampFile = 'src/generated/inputs.json';

/** Names of the parts whose output is missing or older than its inputs. */
export function outdatedParts(root) {
  const stamps = readStamps(root);
  return Object.keys(parts).filter(
    (name) => !existsSync(path.join(root, parts[name].output)) || stamps[name] !== fingerprint(root, name),
  );
}

/** Notes that a part was generated from inputs with this fingerprint, taken before generating. */
export function noteGenerated(root, name, taken) {
  const file = path.join(root, stampFile);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(`${file}.${process.pid}`, JSON.stringify({ ...readStamps(root), [name]: taken }));
  renameSync(`${file}.${process.pid}`, file);
}

export function fingerprint(root, name) {
  const hash = createHash('sha256');
  const { inputs, versions, files = isGraphql } = parts[name];
  const packages = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8')).packages;
  for (const key of versions) hash.update(`${key} ${packages[key]?.version}\n`);
  for (const input of inputs.flatMap((input) => filesOf(root, input, files))) {
    hash.update(`${input}\n`);
    hash.update(readFileSync(path.join(root, input)));
  }
  return hash.digest('hex');
}

const isGraphql = (file) => file.endsWith('.graphql');

/** The file itself, or every file below the folder that counts, but generated ones. */
function filesOf(root, input, counts) {
  if (path.extname(input)) return [input];
  return readdirSync(path.join(root, input), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && counts(entry.name))
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)))
    .filter((file) => !file.includes(`generated${path.sep}`))
    .sort();
}

function readStamps(root) {
  try {
    return JSON.parse(readFileSync(path.join(root, stampFile), 'utf8'));
  } catch {
    return {};
  }
}
