import { describe, expect, it } from 'vitest';
import { failureOf } from '../../src/learner/failure.ts';

describe('an error is OUT_OF_MEMORY by its text', () => {
  it.each([
    ['V8, a typed array', 'Array buffer allocation failed'],
    ['C++', 'std::bad_alloc'],
    ['C++ on Windows', 'bad allocation'],
    [
      'onnxruntime, arena',
      'Non-zero status code returned while running Conv node. Failed to allocate memory for requested buffer of size 8589934592',
    ],
    ['onnxruntime, CUDA', 'CUDA failure 2: out of memory ; GPU=0 ; hostname=x ; expr=cudaMalloc((void**)&p, size);'],
    ['onnxruntime, cuDNN', 'CUDNN failure 4: CUDNN_STATUS_ALLOC_FAILED ; GPU=0'],
    ['cuBLAS', 'CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED'],
    ['CUDA driver', 'failed to allocate 2.00G (2147483648 bytes) from device: CUDA_ERROR_OUT_OF_MEMORY: out of memory'],
    [
      'TensorFlow',
      'OOM when allocating tensor with shape[64,384,56,56] and type float on /job:localhost/replica:0/task:0/device:GPU:0 by allocator GPU_0_bfc',
    ],
    ['TensorFlow, status', 'Session fail to run with error: RESOURCE_EXHAUSTED: failed to allocate memory'],
    ['WebGPU', 'GPUOutOfMemoryError: Not enough memory left'],
    ['the system', 'ENOMEM: not enough memory, read'],
  ])('of %s', (_, message) => {
    expect(failureOf(new Error(message))).toEqual({ code: 'OUT_OF_MEMORY', message, retryable: false });
  });

  it('and nothing else is', () => {
    for (const message of ['a room of memory_cells', 'the loss became NaN', 'BOOM', 'allocation of labels']) {
      expect(failureOf(new Error(message)).code, message).toBe('INTERNAL');
    }
  });
});
