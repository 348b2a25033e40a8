/** The names that a PyTorch state dict may use: dictionaries, tensors, storages. Nothing of PyTorch runs; they become descriptions. */

import type { ElementType } from './elements.ts';
import { type PickleFunction, type PickleNames, PickleTuple, type PickleValue } from './pickle.ts';
import { TensorFileError } from './tensorFile.ts';

/** Numbers in a row, shared by one or more tensors. */
export class TorchStorage {
  /** Names its bytes within the file. */
  readonly key: string;
  /** Null when only the tensor says it; `length` then counts bytes. */
  readonly type: ElementType | null;
  readonly length: number;

  constructor(key: string, type: ElementType | null, length: number) {
    this.key = key;
    this.type = type;
    this.length = length;
  }
}

/** A window onto a storage; offset and strides count elements. Nothing of it is checked against the storage yet. */
export class TorchTensor {
  readonly storage: TorchStorage;
  readonly type: ElementType;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];

  constructor(storage: TorchStorage, type: ElementType, offset: number, shape: number[], strides: number[]) {
    this.storage = storage;
    this.type = type;
    this.offset = offset;
    this.shape = shape;
    this.strides = strides;
  }
}

/** Stands where a type is named. */
class TypeName {
  readonly type: ElementType | null;
  constructor(type: ElementType | null) {
    this.type = type;
  }
}

const elementTypes: Readonly<Record<string, ElementType>> = {
  float32: 'F32',
  float16: 'F16',
  bfloat16: 'BF16',
  float64: 'F64',
  int64: 'I64',
  int32: 'I32',
  int16: 'I16',
  int8: 'I8',
  uint8: 'U8',
  bool: 'BOOL',
};

const storageTypes: Readonly<Record<string, ElementType>> = {
  FloatStorage: 'F32',
  HalfStorage: 'F16',
  BFloat16Storage: 'BF16',
  DoubleStorage: 'F64',
  LongStorage: 'I64',
  IntStorage: 'I32',
  ShortStorage: 'I16',
  CharStorage: 'I8',
  ByteStorage: 'U8',
  BoolStorage: 'BOOL',
};

const named = new Map<string, PickleFunction | TypeName>([
  ['collections.OrderedDict', orderedDict],
  ['torch._utils._rebuild_tensor_v2', rebuildTensor],
  ['torch._utils._rebuild_tensor_v3', rebuildTypedTensor],
  // (data, requires_grad, hooks): the data is what is wanted
  ['torch._utils._rebuild_parameter', ([data]) => tensor(data)],
  ['torch.Size', ([sides]) => sides ?? new PickleTuple([])],
  ['torch.storage.UntypedStorage', new TypeName(null)],
  ...Object.entries(storageTypes).map(([name, type]) => [`torch.${name}`, new TypeName(type)] as const),
  ...Object.entries(elementTypes).map(([name, type]) => [`torch.${name}`, new TypeName(type)] as const),
]);

export const torchNames: PickleNames = {
  find: (module, name) => named.get(`${module}.${name}`),
  load: storage,
};

function orderedDict(args: readonly PickleValue[]): PickleValue {
  if (args.length) throw new TensorFileError('the pickle makes a dictionary out of something');
  return new Map();
}

/** ('storage', type, key, device, length). */
function storage(id: PickleValue): TorchStorage {
  const [kind, type, key, , length, view] = id instanceof PickleTuple ? id.items : [];
  if (kind !== 'storage' || !(type instanceof TypeName) || typeof key !== 'string' || view) {
    throw new TensorFileError('the pickle refers to something outside that is no storage of numbers');
  }
  return new TorchStorage(key, type.type, count(length, 'length of a storage'));
}

/** (storage, offset, size, strides, requires_grad, hooks). */
function rebuildTensor([source, offset, size, strides]: readonly PickleValue[]): TorchTensor {
  if (!(source instanceof TorchStorage) || source.type === null) {
    throw new TensorFileError('the pickle makes a tensor out of something that is no storage of numbers');
  }
  return new TorchTensor(
    source,
    source.type,
    count(offset, 'offset of a tensor'),
    counts(size, 'shape'),
    counts(strides, 'strides'),
  );
}

/** (storage, offset, size, strides, requires_grad, hooks, type). */
function rebuildTypedTensor([source, offset, size, strides, , , dtype]: readonly PickleValue[]): TorchTensor {
  if (!(source instanceof TorchStorage) || !(dtype instanceof TypeName) || dtype.type === null) {
    throw new TensorFileError('the pickle makes a tensor out of something that is no storage of numbers');
  }
  return new TorchTensor(
    source,
    dtype.type,
    count(offset, 'offset of a tensor'),
    counts(size, 'shape'),
    counts(strides, 'strides'),
  );
}

function tensor(value: PickleValue): TorchTensor {
  if (value instanceof TorchTensor) return value;
  throw new TensorFileError('the pickle makes a parameter out of something that is no tensor');
}

function counts(value: PickleValue, what: string): number[] {
  if (!(value instanceof PickleTuple)) throw new TensorFileError(`the ${what} of a tensor is no tuple`);
  return value.items.map((item) => count(item, what));
}

function count(value: PickleValue, what: string): number {
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
  throw new TensorFileError(`the ${what} is ${String(value)}, not a whole number from 0 on`);
}
