import { routes } from '../routes.ts';
import { ButtonLink } from './Button.tsx';
import { Empty } from './Notice.tsx';
import { PageHead } from './Page.tsx';

const experiments = { to: routes.experiments, label: 'Experiments' };

/** The view of something that is not there. `what`: in a word, e.g. `run`; `back`: the list that it would be in. */
export function NotThere({
  what,
  back = experiments,
}: {
  readonly what: string;
  readonly back?: { readonly to: string; readonly label: string };
}) {
  return (
    <>
      <PageHead title={`No such ${what}`} trail={[back]} />
      <Empty title={`There is no such ${what}`}>
        <p>It was deleted, or the link is cut off.</p>
        <ButtonLink to={back.to}>To the {back.label.toLowerCase()}</ButtonLink>
      </Empty>
    </>
  );
}
