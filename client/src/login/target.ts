/** Where a login leads: the page of this server that `next` names, whatever else the link says. @param here the address of the login page */
export function targetOf(here: URL): string {
  const next = here.searchParams.get('next') ?? '/';
  const target = URL.canParse(next, here.href) ? new URL(next, here) : null;
  return target?.origin === here.origin ? target.href : new URL('/', here).href;
}
