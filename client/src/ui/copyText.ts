/**
 * Puts a text into the clipboard. Browsers give pages without TLS (a server in the local network) no clipboard: there the text is
 * selected in a field beside `beside` and copied as a reader would. False where neither works.
 */
export async function copyText(text: string, beside: HTMLElement): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copySelected(text, beside);
  }
}

function copySelected(text: string, beside: HTMLElement): boolean {
  const field = document.createElement('textarea');
  field.value = text;
  field.className = 'visually-hidden';
  // Within a dialog only what is in it can be selected.
  beside.after(field);
  field.select();
  const copied = document.execCommand('copy');
  field.remove();
  beside.focus();
  return copied;
}
