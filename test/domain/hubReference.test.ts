import { expect, test } from 'vitest';
import { formatHubReference, isRepository, parseHubReference } from '../../src/domain/hubReference.ts';

test.each([
  ['hf://timm/vit.a_b', { repository: 'timm/vit.a_b', revision: 'main', file: null }],
  ['hf://o/n/model.bin', { repository: 'o/n', revision: 'main', file: 'model.bin' }],
  ['hf://o/n@v1.0/deep/er/model.bin', { repository: 'o/n', revision: 'v1.0', file: 'deep/er/model.bin' }],
  ['hf://o/n@refs%2Fpr%2F1', { repository: 'o/n', revision: 'refs/pr/1', file: null }],
])('%s names a file of the hub', (text, reference) => {
  expect(parseHubReference(text)).toEqual(reference);
  expect(formatHubReference(reference)).toBe(text);
});

test.each([
  'hf://',
  'hf://one',
  'hf://o/n/',
  'hf://o/n/../secret',
  'hf://o/n/a//b',
  'hf://o/n@../x/model.bin',
  'hf://o/n@%2e%2e/model.bin',
  'hf://o/n@%E0%A4%A/model.bin',
  'hf://../n',
  'hf://o/n--x',
  'hf://o/n/a\\b',
  'hf://o/n?x=1',
  'https://huggingface.co/o/n',
])('%s does not', (text) => {
  expect(parseHubReference(text)).toBeNull();
});

test('a repository is owner/name', () => {
  expect(['timm/convnext_tiny.fb_in22k', 'a/b'].filter(isRepository)).toHaveLength(2);
  expect(['timm', 'a/b/c', '/a/b', './b', '../b', 'a/.hidden', 'a b/c', '~/b'].filter(isRepository)).toEqual([]);
});
