import { expect, test } from 'vitest';
import { parseWeightsUri, showUri } from '../../src/domain/weightsUri.ts';

const repository = { repository: 'o/n', revision: 'main', file: null };

test.each([
  ['/data/w.pth', { kind: 'path', path: '/data/w.pth' }],
  ['w.bin', { kind: 'path', path: 'w.bin' }],
  ['models/w.pth', { kind: 'path', path: 'models/w.pth' }],
  ['./o/n', { kind: 'path', path: './o/n' }],
  ['file:///data/a%20b.bin', { kind: 'path', path: '/data/a b.bin' }],
  ['hf://o/n', { kind: 'hub', reference: repository }],
  ['hf://o/n@v1/x.bin', { kind: 'hub', reference: { repository: 'o/n', revision: 'v1', file: 'x.bin' } }],
  ['o/n', { kind: 'either', path: 'o/n', reference: repository }],
])('%s', (uri, source) => {
  expect(parseWeightsUri(uri)).toEqual({ source });
});

test.each([
  ['hf://justone', /does not read hf:\/\/owner\/repository/],
  ['hf://o/n/../../x', /does not read hf:\/\/owner\/repository/],
  ['hf:o/n', /does not read hf:\/\/owner\/repository/],
  ['s3://bucket/w.bin', /is neither a path nor a file: nor an hf:\/\/ URL/],
  ['https://example.org/w.bin', /is neither a path nor a file: nor an hf:\/\/ URL/],
  ['file://elsewhere/w.bin', /names no file of the worker's machine/],
  ['file:///a%2Fb', /names no file of the worker's machine/],
  [' \t', /is only spaces/],
  ['a\0b', /U\+0000/],
  ['a\ud800', /surrogate/],
])('%j is refused', (uri, problem) => {
  expect(parseWeightsUri(uri).problem).toMatch(problem);
});

test.each([
  ['https://user:pw@host/file.bin?token=x#y', '"https://…@host/file.bin?…"'],
  ['https://host/file.bin#access_token=x', '"https://host/file.bin?…"'],
  ['s3:user:pw@bucket/key', '"s3:…@bucket/key"'],
  ['hf://user:pw@owner/name', '"hf://…@owner/name"'],
  ['hf://owner/name@v1/file.bin', '"hf://owner/name@v1/file.bin"'],
  ['/data/what?.pth', '"/data/what?.pth"'],
])('%s is shown as %s', (uri, shown) => expect(showUri(uri)).toBe(shown));
