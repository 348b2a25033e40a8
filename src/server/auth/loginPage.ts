/** A page to log in with, for GraphiQL and whatever else a browser shows of this server. */

import { Router as createRouter, type RequestHandler, type Router } from 'express';
import type { AccessConfig } from '../../config.ts';
import { viewerOf } from './authenticate.ts';

/** GET /login and its script; without authentication there is nothing to log in to. Stands before `authenticate`. */
export function loginPage({ authenticated }: AccessConfig): Router {
  const router = createRouter();
  router.get('/login', (_request, response) => {
    if (authenticated) response.set('cache-control', 'no-store').type('html').send(page);
    else response.redirect('/');
  });
  router.get('/login.js', (_request, response) => {
    response.set('cache-control', 'no-cache').type('js').send(script);
  });
  return router;
}

/** Leads browsers without a session to the page, and from there back. Stands behind `authenticate`. */
export const requireLogin: RequestHandler = (request, response, next) => {
  if (viewerOf(response)) next();
  else response.set('cache-control', 'no-store').redirect(`/login?next=${encodeURIComponent(request.originalUrl)}`);
};

const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>Rungraph · Log in</title>
<link rel="icon" href="data:,">
<style>
:root { color-scheme: light dark; --line: #8886; --accent: light-dark(#2457c5, #8ab0ff); --on-accent: light-dark(#fff, #0b1020); --bad: light-dark(#b3261e, #ffb4ab) }
* { box-sizing: border-box }
body { font: 1rem/1.5 system-ui, sans-serif; margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1rem }
main { width: min(24rem, 100%) }
h1 { font-size: 1.5rem; margin: 0 0 1rem }
label { display: block; font-weight: 600; margin-bottom: .35rem }
input { font: inherit; width: 100%; padding: .6rem .7rem; border: 1px solid var(--line); border-radius: .4rem }
button { font: inherit; font-weight: 600; width: 100%; margin-top: .9rem; padding: .6rem; border: 0; border-radius: .4rem; background: var(--accent); color: var(--on-accent); cursor: pointer }
button:disabled { opacity: .6; cursor: default }
:is(input, button):focus-visible { outline: 2px solid var(--accent); outline-offset: 2px }
[role=alert] { color: var(--bad); min-height: 1.5em; margin: .7rem 0 }
p.hint { font-size: .875rem; opacity: .8; margin: 0 }
code { overflow-wrap: anywhere; background: #8882; padding: .1em .3em; border-radius: .2em }
</style>
</head>
<body>
<main>
<h1>Rungraph</h1>
<form id="login" method="post" action="/session">
<label for="key">API key</label>
<input id="key" name="key" type="password" autocomplete="current-password" spellcheck="false" placeholder="rungraph_…" required autofocus>
<button>Log in</button>
<p id="problem" role="alert"></p>
</form>
<p class="hint">A key is made on the server: <code>npx rungraph keys create --name you --scope ADMIN</code></p>
</main>
<script type="module" src="/login.js"></script>
</body>
</html>
`;

/** The same script logs in here and out on other pages. */
const script = `const form = document.getElementById('login');
const problem = document.getElementById('problem');

form?.addEventListener('submit', async (event) => {
  event.preventDefault();
  const button = form.querySelector('button');
  button.disabled = true;
  problem.textContent = '';
  try {
    const response = await fetch('/session', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ key: form.elements.key.value }),
    });
    if (response.ok) return location.replace(target());
    const { errors } = await response.json();
    problem.textContent = errors[0].message;
  } catch {
    problem.textContent = 'The server does not answer. Try again.';
  }
  button.disabled = false;
  form.elements.key.select();
});

// A page of this server only, whatever the link says.
function target() {
  const next = new URLSearchParams(location.search).get('next') ?? '/';
  const url = URL.canParse(next, location.href) ? new URL(next, location.href) : new URL('/', location.href);
  return url.origin === location.origin ? url.href : '/';
}

document.getElementById('logout')?.addEventListener('click', async () => {
  await fetch('/session', { method: 'DELETE' });
  location.assign('/login');
});
`;
