/** Depth, aliases and directives of an operation as if every fragment stood where it is spread, without writing that out. */

import {
  type DocumentNode,
  type FragmentDefinitionNode,
  GraphQLError,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type ValidationRule,
} from 'graphql';
import type { Limits } from '../domain/limits.ts';

interface Extent {
  readonly depth: number;
  readonly aliases: number;
  readonly directives: number;
}

const nothing: Extent = { depth: 0, aliases: 0, directives: 0 };

/** A rule that refuses operations of greater extent than the limits. */
export function documentLimits(limits: Limits): ValidationRule {
  return (context) => ({
    [Kind.OPERATION_DEFINITION]: (node) => {
      const extent = measure(context.getDocument(), node);
      for (const [what, unit] of units) {
        if (extent[what] <= limits[what]) continue;
        const message = `The operation has ${extent[what]} ${unit}, more than the limit of ${limits[what]}`;
        const extensions = { code: 'LIMIT_EXCEEDED', [what]: extent[what], limit: limits[what] };
        context.reportError(new GraphQLError(message, { nodes: [node], extensions }));
      }
      return undefined;
    },
  });
}

const units = [
  ['depth', 'levels of fields'],
  ['aliases', 'aliases'],
  ['directives', 'directives'],
] as const;

/** Takes time in proportion to the document, however often fragments spread each other. */
function measure(document: DocumentNode, operation: OperationDefinitionNode): Extent {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const node of document.definitions)
    if (node.kind === Kind.FRAGMENT_DEFINITION) fragments.set(node.name.value, node);
  const known = new Map<string, Extent>();

  function ofSelections(set: SelectionSetNode | undefined): Extent {
    let sum = nothing;
    for (const node of set?.selections ?? []) {
      switch (node.kind) {
        case Kind.FIELD: {
          const inside = ofSelections(node.selectionSet);
          const hidden = node.name.value.startsWith('__'); // graphql's own rule limits the levels of introspection
          sum = add(sum, {
            depth: hidden ? 1 : 1 + inside.depth,
            aliases: inside.aliases + (node.alias ? 1 : 0),
            directives: inside.directives + (node.directives?.length ?? 0),
          });
          break;
        }
        case Kind.INLINE_FRAGMENT:
          sum = add(sum, ofSelections(node.selectionSet), node.directives?.length);
          break;
        case Kind.FRAGMENT_SPREAD:
          sum = add(sum, ofFragment(node.name.value), node.directives?.length);
      }
    }
    return sum;
  }

  function ofFragment(name: string): Extent {
    const before = known.get(name);
    if (before) return before;
    known.set(name, nothing); // a fragment that spreads itself is refused by another rule
    const fragment = fragments.get(name);
    const extent = add(ofSelections(fragment?.selectionSet), nothing, fragment?.directives?.length);
    known.set(name, extent);
    return extent;
  }

  return add(ofSelections(operation.selectionSet), nothing, operation.directives?.length);
}

function add(a: Extent, b: Extent, directives = 0): Extent {
  return {
    depth: Math.max(a.depth, b.depth),
    aliases: a.aliases + b.aliases,
    directives: a.directives + b.directives + directives,
  };
}
