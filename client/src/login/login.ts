/** The page to log in with, for the dashboard and GraphiQL: a key for a session. */

import { targetOf } from './target.ts';

const form = document.querySelector<HTMLFormElement>('#login')!;
const field = form.querySelector<HTMLInputElement>('#key')!;
const button = form.querySelector('button')!;
const problem = form.querySelector('#problem')!;

field.focus();
form.addEventListener('submit', async (event) => {
  event.preventDefault();
  say('');
  button.disabled = true;
  const refusal = await logIn(field.value);
  if (refusal === null) return location.replace(targetOf(new URL(location.href)));
  say(refusal);
  button.disabled = false;
  field.select();
});

function say(text: string): void {
  problem.textContent = text;
  field.setAttribute('aria-invalid', String(text !== ''));
}

/** What the server has against the key; null: it has given a session. */
async function logIn(key: string): Promise<string | null> {
  try {
    const response = await fetch('/session', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ key }),
    });
    if (response.ok) return null;
    const { errors } = (await response.json()) as { readonly errors: readonly [{ readonly message: string }] };
    return errors[0].message;
  } catch {
    return 'The server does not answer. Try again.';
  }
}
