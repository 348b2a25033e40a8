import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const here = fileURLToPath(new URL('.', import.meta.url));
const server = process.env.RUNGRAPH_URL ?? 'http://127.0.0.1:4000';
const proxied = [
  '/graphql',
  '/graphiql',
  '/images',
  '/artifacts',
  '/prediction-sets',
  '/submissions',
  '/uploads',
  '/session',
  '/login',
];

/** `npx vite client` serves the dashboard while it is worked on, over a Rungraph server that runs elsewhere. */
export default defineConfig({
  root: here,
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: 'es2022',
    // Nothing inline: the server's content security policy forbids it.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: [`${here}index.html`, `${here}login.html`],
      onwarn(warning, warn) {
        // "use client" is for frameworks that render on servers.
        if (warning.code !== 'MODULE_LEVEL_DIRECTIVE') warn(warning);
      },
    },
  },
  server: { proxy: Object.fromEntries(proxied.map((path) => [path, { target: server, ws: path === '/graphql' }])) },
});
