import {
  createSourceEventStream,
  type ExecutionArgs,
  type ExecutionResult,
  execute,
  type GraphQLSchema,
} from 'graphql';
import { type Context, createContext } from './context.ts';
import { mapAsync } from './mapAsync.ts';

/** Like graphql's own `subscribe`, but every event is resolved with loaders of its own: a cache would answer with the past. */
export async function subscribe(
  args: ExecutionArgs & { readonly schema: GraphQLSchema },
): Promise<AsyncIterableIterator<ExecutionResult> | ExecutionResult> {
  const source = await createSourceEventStream(args);
  if (!(Symbol.asyncIterator in source)) return source;
  const context = args.contextValue as Context;
  return mapAsync(source, (event) =>
    execute({ ...args, rootValue: event, contextValue: createContext(context, context) }),
  );
}
