import { recipeLabels } from './recipeLabels.ts';

/**
 * What the server says, as people write it: with a capital and a full stop, and fields called as forms call them. Its messages go on from
 * the name of a field, which is not there in a form. What turns the direction of text, in a run's name, must not turn the sentence.
 * @param about what it is about, left as it is, e.g. one of several values
 */
export function sentence(message: string, about?: string): string {
  const plain = inFormWords(message.replaceAll(/[\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, ''));
  // A word, not a file or an id.
  const text = about === undefined ? plain.replace(/^\p{Ll}(?=\p{Ll}*(?:[\s,]|$))/u, upper) : `${about}: ${plain}`;
  return /[.!?:…]$/.test(text) ? text : `${text}.`;
}

/** Several, each on a line of its own. */
export function sentences(problems: readonly { readonly message: string }[]): string {
  return [...new Set(problems.map(({ message }) => sentence(message)))].join('\n');
}

const upper = (text: string) => text.toUpperCase();

const labels = new Map(Object.entries(recipeLabels).map(([path, label]) => [path.split('.').at(-1), label]));

/** `must divide effectiveBatchSize (64)` -> `must divide “Batch size” (64)`; of names that are plain words too only those behind their input: `TrainingConfigInput.labels`. What stands in quotes is somebody's. */
function inFormWords(message: string): string {
  return message.replaceAll(
    /"[^"]*"|\b(\w+Input\.)?([a-z]\w*)\b/g,
    (whole: string, input: string | undefined, name: string | undefined) => {
      const label = name !== undefined && (input || /[A-Z]/.test(name)) ? labels.get(name) : undefined;
      return label === undefined ? whole : `“${label}”`;
    },
  );
}
