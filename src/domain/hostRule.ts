/** Which hosts this program may ask for anything. */

export interface HostRule {
  /** Lower case; an IPv6 address in brackets, as in a URL. */
  readonly host: string;
  /** Whether every name below `host` is meant, and not `host` itself. */
  readonly below: boolean;
  /** Null: that of the URL's scheme. */
  readonly port: string | null;
  /** Whether it may have an address that is not of the public Internet. */
  readonly mayBePrivate: boolean;
}

/** Reads `name`, `name:port`, `*.name` or `*.name:port`; null when it is none. */
export function parseHostRule(text: string): HostRule | null {
  const match = /^(\*\.)?([\w-]+(?:\.[\w-]+)*|\[[\da-f:.]+\])(?::(\d{1,5}))?$/i.exec(text);
  if (!match) return null;
  const [, below, host, port] = match;
  if (!URL.canParse(`http://${host}:${port ?? 80}`) || (below && host!.startsWith('['))) return null;
  const usual = port === '80' || port === '443' || port === undefined;
  const { hostname } = new URL(`http://${host}`);
  return { host: hostname, below: below !== undefined, port: usual ? null : port, mayBePrivate: false };
}

/** The rule for the host of a URL alone. */
export function hostRuleOf({ hostname, port }: URL): HostRule {
  return { host: hostname, below: false, port: port || null, mayBePrivate: false };
}

/** The rule that allows a URL; undefined when none does. One that allows private addresses comes first. */
export function findHostRule(rules: readonly HostRule[], { hostname, port }: URL): HostRule | undefined {
  const fitting = rules.filter(
    (rule) =>
      rule.port === (port || null) && (rule.below ? hostname.endsWith(`.${rule.host}`) : hostname === rule.host),
  );
  return fitting.find(({ mayBePrivate }) => mayBePrivate) ?? fitting[0];
}
