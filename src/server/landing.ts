import type { RequestHandler } from 'express';
import type { Services } from '../graphql/context.ts';
import { countAllRuns } from '../store/installation.ts';
import { version } from '../version.ts';
import { viewerOf } from './auth/authenticate.ts';

/** GET /: what this is and where to go. `graphiql`: whether it is served. */
export function landingPage(
  { commands: { db } }: Services,
  { graphiql }: { readonly graphiql: boolean },
): RequestHandler {
  return async (_request, response) => {
    const session = viewerOf(response)?.sessionId ? viewerOf(response) : null;
    response.type('html').send(page(await countAllRuns(db.prisma), session?.name, graphiql));
  };
}

const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escapeHtml = (text: string) => text.replace(/[&<>"]/g, (character) => escapes[character]!);

/** What who has logged in sees: who that is, and the way out. */
const session = (name: string) =>
  `<p>Logged in as ${escapeHtml(name)}. <button id="logout" type="button">Log out</button></p>
<script type="module" src="/login.js"></script>
`;

const graphiqlLink = `<p><a href="/graphiql">Open GraphiQL</a> to explore the schema, run queries and watch subscriptions.</p>
`;

const page = (runCount: number, user: string | undefined, graphiql: boolean) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Rungraph</title>
<link rel="icon" href="data:,">
<style>
body { font: 1rem/1.6 system-ui, sans-serif; max-width: 44rem; margin: 3rem auto; padding: 0 1rem }
code { background: #8882; padding: .1em .3em; border-radius: .2em }
:root { color-scheme: light dark }
</style>
</head>
<body>
<h1>Rungraph</h1>
<p>Experiments, training runs, live metrics and memory, leaderboards and ensembles over GraphQL. Version ${version}; ${runCount} ${runCount === 1 ? 'run' : 'runs'} so far.</p>
${graphiql ? graphiqlLink : ''}${user === undefined ? '' : session(user)}<h2>Endpoints</h2>
<ul>
<li><code>POST /graphql</code> queries and mutations</li>
<li><code>ws: /graphql</code> subscriptions (graphql-transport-ws)</li>
<li><code>GET /submissions/:id.csv</code> a submission</li>
<li><code>GET /artifacts/:id</code> weights or an ONNX model of a run</li>
<li><code>GET /prediction-sets/:id.safetensors</code> stored probabilities</li>
<li><code>GET /images/:dataset/:position/thumbnail</code> an image, small</li>
<li><code>POST /session</code>, <code>DELETE /session</code> log a browser in and out</li>
<li><code>GET /healthz</code>, <code>/readyz</code>, <code>/metrics</code>, <code>/version</code></li>
</ul>
</body>
</html>
`;
