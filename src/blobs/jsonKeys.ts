/**
 * The first key that one object of a valid JSON text has twice; undefined when there is none. JSON.parse would keep the last of
 * them silently.
 */
export function duplicateKey(json: string): string | undefined {
  const open: Set<string>[] = [];
  let text = '';
  for (let i = 0; i < json.length; i++) {
    const character = json[i];
    if (character === '{') open.push(new Set());
    else if (character === '}') open.pop();
    else if (character === '"') {
      const end = endOfString(json, i);
      text = json.slice(i, end + 1);
      i = end;
    } else if (character === ':') {
      // the string before a colon is a key
      const key: string = JSON.parse(text);
      const keys = open.at(-1)!;
      if (keys.has(key)) return key;
      keys.add(key);
    }
  }
  return undefined;
}

/** Index of the quote that closes the string which begins at `start`. */
function endOfString(json: string, start: number): number {
  let end = start + 1;
  while (json[end] !== '"') end += json[end] === '\\' ? 2 : 1;
  return end;
}
