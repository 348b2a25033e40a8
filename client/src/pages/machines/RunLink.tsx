import { Link } from 'wouter';
import type { RunOnMachineFragment } from '../../generated/operations.ts';
import { routes } from '../../routes.ts';
import { Name } from '../../ui/Name.tsx';

/** To the run, or to the memory probe that it works for. */
export function RunLink({ run: { id, name, memoryProbe } }: { readonly run: RunOnMachineFragment }) {
  return (
    <Link href={memoryProbe ? routes.probe(memoryProbe.id) : routes.run(id)}>
      <Name>{name}</Name>
    </Link>
  );
}
