/** What is refused: pickles that ask for more than tensors, tensors and archives that do not fit their files. */

import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { openTensorFile } from '../../src/blobs/openTensorFile.ts';
import { TensorFileError } from '../../src/blobs/tensorFile.ts';
import { createRandom } from '../../src/domain/random.ts';
import {
  call,
  dictionary,
  fourNumbers,
  int,
  named,
  pickle,
  tensor,
  text,
  torchArchive,
  tuple,
  type ZipFile,
  zip,
} from '../support/torchFiles.ts';
import { file, fixture, folder, read, refusal, state } from './weightFiles.ts';

describe('a pickle is never executed', () => {
  const marker = () => path.join(folder, 'executed');

  test.each([
    ['os', 'system'],
    ['posix', 'system'],
    ['nt', 'system'],
    ['builtins', 'eval'],
    ['builtins', 'getattr'],
    ['__builtin__', 'exec'],
    ['subprocess', 'Popen'],
    ['importlib', 'import_module'],
    ['torch', 'load'],
    ['torch.storage', '_load_from_bytes'],
    ['torch._utils', '_rebuild_qtensor'],
    ['numpy.core.multiarray', '_reconstruct'],
    ['argparse', 'Namespace'],
    ['constructor', 'constructor'],
    ['__proto__', 'toString'],
  ])('%s.%s is refused by its name', async (module, name) => {
    const run = call(named(module, name), text(`touch ${marker()}`));
    const message = await refusal(state(text('w'), run, text('v'), tensor()));
    expect(message).toContain(`"${module}.${name}", which is refused`);
    expect(message).toContain('torch.save(model.state_dict()');
    await expect(readFile(marker())).rejects.toThrow('ENOENT');
  });

  test('not by names from the stack either', async () => {
    expect(await refusal(torchArchive(pickle(text('os'), text('system'), 0x93)))).toContain('"os.system"');
  });

  test.each([
    ['INST', pickle('(', 'ios\nsystem\n'), /0x69/],
    ['OBJ', pickle('(', named('collections', 'OrderedDict'), 'o'), /0x6f/],
    ['EXT1', pickle(0x82, 1), /0x82/],
    ['NEXT_BUFFER', pickle(0x97), /0x97/],
  ])('nor by the instruction %s', async (_, bytes, message) => {
    expect(await refusal(torchArchive(bytes))).toMatch(message);
  });
});

describe('a pickle is refused that', () => {
  const rest = Buffer.from('.');
  test.each<[string, Buffer, RegExp]>([
    ['holds no dictionary', pickle(int(1)), /no dictionary of tensors/],
    ['holds no tensors', pickle(dictionary(text('w'), int(1))), /holds no tensors/],
    ['holds itself', pickle('}', 'q', 0, text('model'), 'h', 0, 's'), /holds no tensors/],
    ['is a list that holds itself', pickle(']', 'q', 0, 'h', 0, 'a'), /no dictionary/],
    ['has a list as a key', pickle(dictionary(Buffer.from(']'), tensor())), /list or dictionary as a key/],
    ['has a dictionary as a key', pickle(dictionary(Buffer.from('}'), tensor())), /list or dictionary as a key/],
    ['has a key without a value', pickle(dictionary(text('w'))), /key without its value/],
    ['sets a key of a list', pickle(']', '(', text('w'), tensor(), 'u'), /no dictionary/],
    ['appends to a dictionary', pickle('}', int(1), 'a'), /no list/],
    ['ends a group that has not begun', pickle(int(1), 't'), /without its beginning/],
    ['takes from an empty stack', pickle(), /not there/],
    ['recalls what it has not remembered', pickle('h', 7), /recalls value 7/],
    ['remembers nothing', pickle('q', 0), /not there/],
    ['calls a number', pickle(int(1), tuple(), 'R'), /cannot be called/],
    ['calls without a tuple', pickle(named('collections', 'OrderedDict'), int(1), 'R'), /cannot be called/],
    ['calls a type', pickle(call(named('torch', 'FloatStorage'))), /cannot be called/],
    ['makes a dictionary of something', pickle(call(named('collections', 'OrderedDict'), int(1))), /out of something/],
    ['sets attributes of a number', pickle(int(1), '}', 'b'), /attributes/],
    ['refers to something else outside', pickle(text('0'), 'Q'), /no storage/],
    ['makes a tensor of a number', pickle(call(named('torch._utils', '_rebuild_tensor_v2'), int(1))), /no storage/],
    ['makes a parameter of a number', pickle(call(named('torch._utils', '_rebuild_parameter'), int(1))), /no tensor/],
    [
      'says to be longer than the file',
      Buffer.concat([Buffer.of(0x80, 2), Buffer.from('X'), Buffer.alloc(4, 255), rest]),
      /ends early/,
    ],
    ['is of a later protocol', Buffer.concat([Buffer.of(0x80, 9), rest]), /protocol 9/],
    ['is empty', Buffer.alloc(0), /ends early/],
    ['names something by a number', pickle(int(1), int(2), 0x93), /no text/],
  ])('%s', async (_, bytes, message) => {
    expect(await refusal(torchArchive(bytes))).toMatch(message);
  });

  test('is cut anywhere', async () => {
    const whole = pickle(dictionary(text('w'), tensor()));
    for (let length = 0; length < whole.length; length++) {
      expect(await refusal(torchArchive(whole.subarray(0, length)))).toMatch(/ends early/);
    }
  });

  test('is larger than any model’s', async () => {
    expect(await refusal(torchArchive(Buffer.alloc(2 ** 24 + 1)))).toMatch(/too many to read/);
  });

  test('nests deeply, without end to the stack', async () => {
    const depth = 200_000;
    const nested = Buffer.concat([Buffer.alloc(depth, ']'), Buffer.alloc(depth - 1, 'a')]);
    expect(await refusal(torchArchive(pickle(nested)))).toMatch(/no dictionary/);
  });
});

describe('a tensor is refused that', () => {
  test.each([
    ['has no numbers', { storage: '7' }, /data\/7\) are missing/],
    ['needs more than its storage has', { shape: [5] }, /needs 20 bytes, but data\/0 has 16/],
    ['begins behind the end', { offset: 1 }, /needs 20 bytes/],
    ['strides past the end', { strides: [2] }, /needs 28 bytes/],
    ['has a storage longer than the file has', { length: 5 }, /data\/0 has 16 bytes instead of 20/],
    ['is huge', { shape: [2 ** 40, 2 ** 40], strides: [2 ** 40, 1] }, /needs [\d.e+]+ bytes/],
    ['is huge without strides', { shape: [2 ** 40], strides: [0] }, /repeats its values/],
    ['goes backwards', { strides: [-1] }, /strides is -1/],
    ['has a negative side', { shape: [-4] }, /shape is -4/],
    ['begins before its storage', { offset: -1 }, /offset of a tensor is -1/],
    ['has too few strides', { shape: [2, 2], strides: [1] }, /has 1 strides/],
    ['has a storage of negative length', { length: -4 }, /length of a storage is -4/],
    ['is of an unknown type', { type: 'QInt8Storage' }, /"torch.QInt8Storage", which is refused/],
  ])('%s', async (_, facts, message) => {
    const refused = await refusal(state(text('w'), tensor(facts)));
    expect(refused).toMatch(message);
  });

  test('has no name here', async () => {
    await writeFile(file, state(text('w'), tensor()));
    const opened = await openTensorFile(file);
    await expect(opened.read('v')).rejects.toThrow(/has no tensor "v"/);
    await opened.close();
  });
});

describe('an archive is refused that', () => {
  const data = pickle(dictionary(text('w'), tensor()));
  const files = (changes: Partial<ZipFile> = {}, ...more: ZipFile[]): ZipFile[] => [
    { name: 'a/data.pkl', data },
    { name: 'a/data/0', data: fourNumbers, ...changes },
    ...more,
  ];

  test.each<[string, Buffer, RegExp]>([
    ['is compressed', zip(files({ lies: { method: 8 } })), /data\/0 is compressed/],
    ['is encrypted', zip(files({ lies: { flags: 1 } })), /data\/0 is encrypted/],
    ['says a file lies outside', zip(files({ lies: { at: 10_000 } })), /data\/0 lies outside/],
    ['says a file is longer than it', zip(files({ lies: { size: 100_000 } })), /data\/0 lies outside/],
    ['has a file twice', zip(files({}, { name: 'a/data/0', data: fourNumbers })), /data\/0 twice/],
    ['lists fewer files than it counts', zip(files(), { count: 9 }), /after 2 of 9/],
    ['has no pickle', zip([{ name: 'a/data/0', data }]), /has 0 data.pkl/],
    ['has two pickles', zip(files({}, { name: 'b/data.pkl', data })), /has 2 data.pkl/],
    ['is a program', zip(files({}, { name: 'a/code/__torch__.py', data })), /TorchScript/],
    ['is NumPy’s', zip([{ name: 'w.npy', data }]), /NumPy archive/],
    [
      'has its numbers the other way round',
      zip(files({}, { name: 'a/byteorder', data: Buffer.from('big') })),
      /little-endian/,
    ],
  ])('%s', async (_, bytes, message) => {
    expect(await refusal(bytes)).toMatch(message);
  });

  test('is cut anywhere', async () => {
    const whole = zip(files());
    for (let length = 4; length < whole.length; length += 3) {
      expect(await refusal(whole.subarray(0, length))).toMatch(/truncated/);
    }
  });

  test('is cut anywhere, 64-bit or of before PyTorch 1.6', async () => {
    const wide = zip(files(), { zip64: true });
    for (let length = 4; length < wide.length; length += 3) await refusal(wide.subarray(0, length));
    const legacy = await readFile(fixture('legacy.pth'));
    for (let length = 0; length < legacy.length; length += 3) await refusal(legacy.subarray(0, length));
  });
});

test.each([
  ['plain.pth', 11],
  ['legacy.pth', 12],
  ['expected.safetensors', 13],
])('%s with random bytes changed is read or refused, never anything else', async (name, seed) => {
  const random = createRandom(seed, 'changed bytes');
  const whole = await readFile(fixture(name));
  const outcomes = new Set<string>();
  for (let round = 0; round < 400; round++) {
    const changed = Buffer.from(whole);
    for (let i = 0; i <= round % 4; i++) changed[random.integer(changed.length)] = random.integer(256);
    await read(changed).then(
      () => outcomes.add('read'),
      (error: unknown) => {
        if (!(error instanceof TensorFileError)) throw error;
        outcomes.add('refused');
      },
    );
  }
  expect([...outcomes].sort()).toEqual(['read', 'refused']);
});
