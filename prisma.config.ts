import { fileURLToPath } from 'node:url';
import { defineConfig } from 'prisma/config';

// The CLI would download a native schema engine; ours is the same engine as WebAssembly, out of node_modules.
process.env.PRISMA_SCHEMA_ENGINE_BINARY ??= fileURLToPath(
  new URL('./scripts/prisma/schema-engine.mjs', import.meta.url),
);
process.env.PRISMA_HIDE_UPDATE_MESSAGE ??= '1';
process.env.CHECKPOINT_DISABLE ??= '1';

export default defineConfig({
  schema: 'prisma/schema.prisma',
  migrations: { path: 'prisma/migrations' },
  // Only the commands that look at a database need it: DATABASE_URL=… npx prisma migrate status
  datasource: { url: process.env.DATABASE_URL ?? '' },
});
