/** What a download is called on the disk of who asked for it. */

/** Bytes of UTF-8 that a part may take: file systems end names at 255. */
const longestPart = 70;

/**
 * A Content-Disposition header that names a file after what it is of, e.g. `paddy-disease-mean-of-10.csv`. Of names that people gave only letters,
 * digits, `.` and `_` are left, all else is a dash: no quotes, line ends, slashes and marks that turn text. Letters beyond ASCII stand in
 * `filename*` (RFC 6266), beside a name without them.
 * @param parts names, from the outermost; those without a letter or digit are left out
 * @param extension with its dot
 * @param id its name when nothing is left of the parts
 */
export function attachmentNamed(parts: readonly string[], extension: string, id: string): string {
  const name = joined(parts.map(readable), id) + extension;
  const plain = joined(parts.map(ascii), id) + extension;
  const header = `attachment; filename="${plain}"`;
  return name === plain ? header : `${header}; filename*=UTF-8''${encodeURIComponent(name)}`;
}

function joined(parts: readonly string[], id: string): string {
  return parts.filter((part) => part !== '').join('-') || id;
}

function readable(text: string): string {
  return shortened(text.normalize('NFC').replaceAll(/(?:[^\p{L}\p{N}\p{M}._]|\.{2,})+/gu, '-'));
}

/** As `readable`, with letters that ASCII has without their accents, and no others. */
function ascii(text: string): string {
  return shortened(
    text
      .normalize('NFKD')
      .replaceAll(/\p{M}/gu, '')
      .replaceAll(/(?:[^A-Za-z0-9._]|\.{2,})+/g, '-'),
  );
}

/** Cut to its length; begins and ends with a letter or digit. */
function shortened(text: string): string {
  let bytes = 0;
  let end = 0;
  const trimmed = text.replace(/^[-._\p{M}]+/u, '');
  for (const character of trimmed) {
    bytes += Buffer.byteLength(character);
    if (bytes > longestPart) break;
    end += character.length;
  }
  return trimmed.slice(0, end).replace(/[-._]+$/, '');
}
