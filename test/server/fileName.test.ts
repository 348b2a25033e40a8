import { describe, expect, test } from 'vitest';
import { attachmentNamed } from '../../src/server/fileName.ts';

/** What the header calls the file: without `filename*`, and with it. */
function namesIn(header: string): { readonly plain: string; readonly full: string } {
  const [, plain, encoded] =
    /^attachment; filename="([A-Za-z0-9._-]+)"(?:; filename\*=UTF-8''([A-Za-z0-9._%-]+))?$/.exec(header)!;
  return { plain: plain!, full: encoded === undefined ? plain! : decodeURIComponent(encoded) };
}

describe('a download is named', () => {
  test('after what it is of', () => {
    expect(attachmentNamed(['Paddy disease', 'mean of 10'], '.csv', 'sub_1')).toBe(
      'attachment; filename="Paddy-disease-mean-of-10.csv"',
    );
    expect(attachmentNamed(['paddy', 'vit_tiny 224×224, crop'], '.csv', 'sub_1')).toBe(
      'attachment; filename="paddy-vit_tiny-224-224-crop.csv"',
    );
  });

  test('with its letters where they are known, and without where they are not', () => {
    expect(attachmentNamed(['Müsli', 'Größe 2'], '.csv', 'sub_1')).toBe(
      `attachment; filename="Musli-Gro-e-2.csv"; filename*=UTF-8''M%C3%BCsli-Gr%C3%B6%C3%9Fe-2.csv`,
    );
    expect(namesIn(attachmentNamed(['水稻', 'best'], '.csv', 'sub_1'))).toEqual({
      plain: 'best.csv',
      full: '水稻-best.csv',
    });
    // The same letter, however it was typed.
    expect(attachmentNamed(['u\u0308'], '', 'x')).toBe(attachmentNamed(['\u00fc'], '', 'x'));
  });

  test('by its id when nothing is left', () => {
    expect(attachmentNamed([], '.csv', 'sub_1')).toBe('attachment; filename="sub_1.csv"');
    expect(attachmentNamed(['🌾🌾', ' .. ', '\u202e'], '.csv', 'sub_1')).toBe('attachment; filename="sub_1.csv"');
    expect(namesIn(attachmentNamed(['مرحبا'], '.csv', 'sub_1'))).toEqual({ plain: 'sub_1.csv', full: 'مرحبا.csv' });
  });

  test.for([
    ['quotes', 'a"; filename="evil.exe', 'a-filename-evil.exe'],
    ['line ends', 'a\r\nset-cookie: x=1\r\n\r\n<b>', 'a-set-cookie-x-1-b'],
    ['paths', '../../etc/passwd', 'etc-passwd'],
    ['paths of Windows', '..\\..\\C:\\con', 'C-con'],
    ['text that is turned', 'gpj.\u202eexe\u2066', 'gpj.-exe'],
    ['nothing to be seen', '\ufeffa\u200b\u0000\u007fb\u00a0', 'a-b'],
    ['pictures', '🌾 rice 👨‍👩‍👧', 'rice'],
    ['percent signs', "100%22 'x' *", '100-22-x'],
    ['half a letter', 'a\ud800b', 'a-b'],
    ['hidden files', '.htaccess', 'htaccess'],
    ['what begins with an accent', '\u0301a', 'a'],
  ])('whatever its name has of %s', ([, name, expected]) => {
    expect(namesIn(attachmentNamed(['e', name!], '.csv', 'sub_1')).full).toBe(`e-${expected}.csv`);
  });

  test('as long as disks bear', () => {
    for (const long of ['x'.repeat(200), '水'.repeat(200), '🌾a'.repeat(100), 'é'.repeat(200), `${'-'.repeat(199)}x`]) {
      const { plain, full } = namesIn(attachmentNamed([long, long, 'weights'], '.safetensors', 'art_1'));
      for (const name of [plain, full]) {
        expect(Buffer.byteLength(name)).toBeLessThanOrEqual(255);
        expect(name).toMatch(/weights\.safetensors$/);
      }
    }
    expect(namesIn(attachmentNamed(['水'.repeat(200)], '.csv', 'sub_1')).full).toBe(`${'水'.repeat(23)}.csv`);
  });
});
