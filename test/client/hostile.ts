/** Names as somebody gives them who means harm, or means well in another script; and how a page has to treat them. */

import type { Page } from 'playwright-core';

const start = '<img src=x onerror="window.harmed=1"><script>window.harmed=1</script>"\'&amp;';

export const hostile = {
  html: `${start} {{7*7}} \${7*7}`,
  /** Turns round what follows it, and never turns back. */
  override: 'report \u202Egnp.exe \u2067\u2067',
  arabic: 'تجربة الأرز (3) – ניסוי',
  /** 240 characters without a place to break. */
  long: 'unbreakable'.repeat(22).slice(0, 240),
  emoji: '👩🏽‍🔬👨‍👩‍👧‍👦🏳️‍🌈 Z̸͎̈a̶l̵g̷o̴ 𝒳²',
} as const;

/** Labels and image names are names of files. */
export const hostileFiles = {
  html: '<img src=x onerror=window.harmed=1>&amp;',
  override: 'leaf \u202Egpj.exe',
  emoji: '🌾 hispa ‍𝒳',
} as const;

/** How what people named harms the page as it stands, each case as one text. */
export async function harm(page: Page): Promise<string[]> {
  return (await page.evaluate(`(() => {
    const problems = [];
    if (window.harmed) problems.push('a script of a name ran');
    for (const e of document.querySelectorAll('[src="x"], [onerror], script:not([src])')) problems.push('injected: ' + e.outerHTML.slice(0, 200));
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    // Code is shown as it is; a box has its text to itself.
    const isCode = (e) => e.closest('pre, code, textarea, option') !== null;
    const isApart = (e) => {
      const { unicodeBidi, display } = getComputedStyle(e);
      return /isolate|plaintext/.test(unicodeBidi) || !/^(inline|contents)$/.test(display);
    };
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const parent = node.parentElement;
      if (parent.closest('.visually-hidden, script, style')) continue;
      const text = node.data.trim();
      if (/[\\u202a-\\u202e\\u2066-\\u2069]/.test(text)) {
        let e = parent;
        while (!isApart(e)) e = e.parentElement;
        if (!isCode(e) && e.textContent.trim() !== text) problems.push('turns what stands around it: ' + e.outerHTML.slice(0, 300));
      }
      // Whatever is cut can be read whole.
      if (text.length > 60 && parent.offsetParent !== null) {
        const cut = (e) => {
          const { textOverflow, webkitLineClamp } = getComputedStyle(e);
          return (textOverflow === 'ellipsis' && e.scrollWidth > e.clientWidth + 1) || (webkitLineClamp !== 'none' && e.scrollHeight > e.clientHeight + 1);
        };
        for (let e = parent, up = 0; e && up < 4; e = e.parentElement, up++) {
          if (cut(e) && !parent.closest('[title]')?.title.includes(text)) {
            problems.push('cut, and nowhere whole: ' + parent.outerHTML.slice(0, 300));
            break;
          }
        }
      }
    }
    return problems;
  })()`)) as string[];
}
