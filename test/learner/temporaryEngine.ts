import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import type { Engine, HostArray, Tensors } from '../../src/engine/engine.ts';

export async function temporaryEngine(): Promise<Engine> {
  await tf.setBackend('cpu');
  return {
    info: { name: 'tfjs-cpu', device: 'cpu', precision: 'FP32', versions: {} },
    async createState(entries) {
      const store: Tensors = {};
      for (const [n, e] of Object.entries(entries))
        store[n] = e.data ? tf.tensor(e.data.slice(), [...e.shape], e.dtype ?? 'float32') : tf.zeros([...e.shape]);
      return {
        names: Object.keys(entries),
        spec: (n: string) => ({ shape: entries[n]!.shape, dtype: entries[n]!.dtype ?? 'float32' }),
        read: async (n: string) => (await store[n]!.data()).slice() as HostArray,
        write: async (n: string, d: HostArray) => {
          const t = store[n]!;
          store[n] = tf.tensor(d.slice(), t.shape);
          t.dispose();
        },
        dispose: () => tf.dispose(store),
        store,
      } as never;
    },
    async compile({ state, uses, inputs, fn }) {
      const store = (state as unknown as { store: Tensors }).store;
      return {
        async run(values) {
          const result = tf.tidy(() => {
            const s = Object.fromEntries(uses.map((n: string) => [n, store[n]!]));
            const i = Object.fromEntries(
              Object.entries(inputs).map(([n, sp]) => {
                const v = values[n]!;
                return [n, typeof v === 'number' ? tf.scalar(v) : tf.tensor(v, [...sp.shape], sp.dtype ?? 'float32')];
              }),
            );
            return fn(s, i) as never;
          }) as { state?: Tensors; out: Tensors };
          for (const [n, t] of Object.entries(result.state ?? {})) {
            store[n]!.dispose();
            store[n] = tf.keep(t);
          }
          const out: Record<string, HostArray> = {};
          for (const [n, t] of Object.entries(result.out)) {
            out[n] = t.dataSync().slice() as HostArray;
            t.dispose();
          }
          return out;
        },
        dispose: async () => {},
      };
    },
    dispose: async () => {},
  };
}
