/** Who asks, and what they may do. */

/** From the least to the most: each allows what those before it allow. */
export const scopes = ['READ', 'WRITE', 'ADMIN'] as const;

export type Scope = (typeof scopes)[number];

export interface Viewer {
  /** Of the API key. */
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** Null without authentication. */
  readonly keyId: string | null;
  /** Of the dashboard session that the key opened; null when the request carries the key itself. */
  readonly sessionId: string | null;
}

/** Everybody who reaches a server without authentication, which listens on loopback only. */
export const localViewer: Viewer = { name: 'local', scopes, keyId: null, sessionId: null };

/** Whether scopes hold this one: ADMIN implies WRITE, which implies READ. */
export function allows(granted: readonly Scope[], needed: Scope): boolean {
  return granted.some((scope) => scopes.indexOf(scope) >= scopes.indexOf(needed));
}
