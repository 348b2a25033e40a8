/** GraphiQL from the installed packages: no file of it comes from another host. */

import { createRequire } from 'node:module';
import path from 'node:path';
import express, { type Router } from 'express';

const require = createRequire(import.meta.url);
const packageFolder = (name: string) => path.dirname(require.resolve(`${name}/package.json`));

const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>GraphiQL · Rungraph</title>
<link rel="icon" href="/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/graphiql/graphiql.min.css">
<style>
body { margin: 0 }
#graphiql { height: 100vh }
/* The accent of client/src/ui/theme.css. */
:is(.graphiql-container, .graphiql-dialog, .CodeMirror-info, .CodeMirror-lint-tooltip) { --color-primary: 168, 81%, 23% }
@media (prefers-color-scheme: dark) { body:not(.graphiql-light) :is(.graphiql-container, .graphiql-dialog) { --color-primary: 164, 56%, 59% } }
body.graphiql-dark :is(.graphiql-container, .graphiql-dialog) { --color-primary: 164, 56%, 59% }
.graphiql-logo { display: flex; align-items: center; gap: .5rem; color: inherit; text-decoration: none; font-weight: 600 }
</style>
</head>
<body>
<div id="graphiql">Loading …</div>
<script src="/graphiql/react.production.min.js"></script>
<script src="/graphiql/react-dom.production.min.js"></script>
<script src="/graphiql/graphiql.min.js"></script>
<script type="module" src="/graphiql/start.js"></script>
</body>
</html>
`;

const defaultQuery = `# Press Ctrl-Enter to run, Ctrl-Space for what may come here.
{
  server { version engines }
  experiments(first: 5) {
    nodes {
      name
      objective { metric direction }
      leaderboard(first: 5) {
        edges { rank node { value { value } run { name architecture status } } }
      }
    }
  }
}
`;

const start = `import { createClient } from '/graphiql/graphql-ws/client.js';

const endpoint = new URL('/graphql', location.href);
const live = new URL(endpoint);
live.protocol = live.protocol === 'https:' ? 'wss:' : 'ws:';

// A link may bring an operation along: /graphiql?query=…&variables=…
const link = new URLSearchParams(location.search);
const query = link.get('query') ?? undefined;
const variables = link.get('variables') ?? undefined;
const icon = React.createElement('img', { src: '/icon.svg', alt: '', width: 22, height: 22 });
const dashboard = React.createElement('a', { href: '/', className: 'graphiql-logo' }, icon, 'Rungraph');
const fetcher = GraphiQL.createFetcher({ url: endpoint.href, wsClient: createClient({ url: live.href }) });
ReactDOM.createRoot(document.getElementById('graphiql')).render(
  React.createElement(
    GraphiQL,
    { fetcher, query, variables, defaultQuery: ${JSON.stringify(defaultQuery)} },
    React.createElement(GraphiQL.Logo, null, dashboard),
  ),
);
`;

export function graphiqlRoutes(): Router {
  const router = express.Router();
  const file = (name: string, from: string) => router.get(name, (_request, response) => response.sendFile(from));
  router.get('/', (_request, response) => response.type('html').send(page));
  router.get('/start.js', (_request, response) => response.type('js').send(start));
  file('/graphiql.min.js', path.join(packageFolder('graphiql'), 'graphiql.min.js'));
  file('/graphiql.min.css', path.join(packageFolder('graphiql'), 'graphiql.min.css'));
  file('/react.production.min.js', path.join(packageFolder('react'), 'umd/react.production.min.js'));
  file('/react-dom.production.min.js', path.join(packageFolder('react-dom'), 'umd/react-dom.production.min.js'));
  router.use('/graphql-ws', express.static(path.join(packageFolder('graphql-ws'), 'dist'), { index: false }));
  return router;
}
