import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { openTensorFile } from '../../src/blobs/openTensorFile.ts';
import { type NamedTensor, readSafetensors } from '../../src/blobs/safetensors.ts';
import { call, dictionary, fourNumbers, int, named, pickle, tensor, text, tuple, zip } from '../support/torchFiles.ts';
import { fixture, folder, plain, read, readAll, refusal, state } from './weightFiles.ts';

const expected = await readSafetensors(fixture('expected.safetensors'));

describe('what PyTorch wrote', () => {
  const { weight, kernel, counts, scalar } = Object.fromEntries(expected) as Record<string, NamedTensor>;
  const all = { weight, kernel, counts, scalar };

  test.each(['plain', 'legacy', 'protocol4', 'double', 'model', 'state_dict', 'model_ema'])('%s.pth', async (name) => {
    expect(await readAll(fixture(`${name}.pth`))).toEqual(all);
  });

  test.each(['half', 'bfloat16'])('%s.pth, as float32', async (name) => {
    const rounded = ['weight', 'kernel', 'scalar'].map((key) => [key, expected.get(`${name}.${key}`)]);
    expect(await readAll(fixture(`${name}.pth`))).toEqual({ ...Object.fromEntries(rounded), counts });
  });

  test('parameters.pth', async () => {
    expect(await readAll(fixture('parameters.pth'))).toEqual({ weight, kernel, scalar });
  });

  test('strided.pth: parts of storages, transposed, every second row, channels last', async () => {
    const empty = { shape: [0, 3], data: new Float32Array() };
    const views = { offset: weight, transposed: weight, strided: weight, channels_last: kernel, empty };
    expect(await readAll(fixture('strided.pth'))).toEqual(views);
  });

  test('module.pth, whose dictionary has attributes', async () => {
    const keys = [...expected.keys()].filter((key) => key.startsWith('module.'));
    expect(keys).toHaveLength(7);
    expect(await readAll(fixture('module.pth'))).toEqual(
      Object.fromEntries(keys.map((key) => [key.slice('module.'.length), expected.get(key)])),
    );
  });
});

describe('files made here', () => {
  test('are read, so that what is refused below is refused for its fault', async () => {
    expect(await read(state(text('w'), tensor()))).toEqual(plain);
  });

  test('with 64-bit sizes are read', async () => {
    const files = [
      { name: 'big/data.pkl', data: pickle(dictionary(text('w'), tensor())) },
      { name: 'big/data/0', data: fourNumbers },
      { name: 'big/byteorder', data: Buffer.from('little') },
    ];
    expect(await read(zip(files, { zip64: true }))).toEqual(plain);
  });

  test('with tensors of their own type over untyped bytes are read', async () => {
    const storage = [text('storage'), named('torch.storage', 'UntypedStorage'), text('0'), text('cpu'), int(16)];
    const loaded = Buffer.concat([tuple(...storage), Buffer.from('Q')]);
    const args = [
      loaded,
      int(0),
      tuple(int(2), int(2)),
      tuple(int(2), int(1)),
      Buffer.of(0x89),
      text(''),
      named('torch', 'float32'),
    ];
    const typed = call(named('torch._utils', '_rebuild_tensor_v3'), ...args);
    expect(await read(state(text('w'), typed))).toEqual({ w: { ...plain.w, shape: [2, 2] } });
  });
});

describe('other files are told for what they are', () => {
  test.each([
    ['version https://git-lfs.github.com/spec/v1\noid sha256:0\n', /Git LFS pointer/],
    ['<!DOCTYPE html><html></html>', /a web page/],
    ['\x89HDF\r\n', /an HDF5 file/],
    ['\x93NUMPY', /a NumPy array/],
    ['', /neither a PyTorch nor a safetensors file/],
    ['hello', /neither a PyTorch nor a safetensors file/],
    ['hello, this is no weights file', /neither a PyTorch nor a safetensors file/],
    ['\xff\0\0\0\0\0\0\0{"w":', /not a safetensors file, or is truncated/],
  ])('%j', async (content, message) => {
    expect(await refusal(Buffer.from(content, 'latin1'))).toMatch(message);
  });

  test('or cannot be opened', async () => {
    await expect(openTensorFile(path.join(folder, 'none'))).rejects.toThrow(/cannot open weights file .*none/);
    await expect(openTensorFile(folder)).rejects.toThrow(/cannot read weights file/);
  });
});
