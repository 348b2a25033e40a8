import { useQuery } from '@tanstack/react-query';

/** Why the server does not hand out a picture, in its words; undefined while that is not known. */
export function useMissingReason(url: string): string | undefined {
  return useQuery({ queryKey: ['picture', url], queryFn: ({ signal }) => missingReason(url, signal), retry: false })
    .data;
}

async function missingReason(url: string, signal: AbortSignal): Promise<string> {
  const response = await fetch(url, { signal }).catch(() => null);
  if (!response) return 'The server does not answer';
  // It is there by now, or the browser cannot decode it.
  if (response.ok) return 'It could not be loaded; reload the page';
  const answer = (await response.json().catch(() => ({}))) as {
    readonly errors?: readonly { readonly message: string }[];
  };
  return answer.errors?.[0]?.message ?? `The server answered with status ${response.status}`;
}
