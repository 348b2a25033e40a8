/** Where a login leads: the page of this server that `next` names, whatever else the link says. @param here the address of the login page */
export function targetOf(here: URL): string {
  const next = here.searchParams.get('next') ?? '/';
  const url = URL.canParse(next, here.href) ? new URL(next, here.href) : new URL('/', here.href);
  return url.origin === here.origin ? url.href : '/';
}
