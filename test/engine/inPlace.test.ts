/** A state tensor is overwritten where it is only where no reader of its old value can run later. */

import { describe, expect, test } from 'vitest';
import { provenInPlace } from '../../src/engine/graph/inPlace.ts';
import { Graph, type Value } from '../../src/engine/graph/ir.ts';

/** Builds a graph over state tensors p and q and an input x, all (4,4), and proves the replacements it returns. */
function prove(build: (g: Tools) => Partial<Record<'p' | 'q', Value>>): Partial<Record<'p' | 'q', boolean>> {
  const graph = new Graph();
  const [p, q, x] = ['p', 'q', 'x'].map((name) => graph.input(name, 'float32', [4, 4])) as [Value, Value, Value];
  const op =
    (name: string) =>
    (...inputs: Value[]) =>
      graph.op(name, inputs, 'float32', [4, 4]);
  const after = build({ graph, p, q, x, add: op('Add'), multiply: op('Mul'), product: op('MatMul'), exp: op('Exp') });
  const before = { p, q };
  const names = Object.keys(after) as ('p' | 'q')[];
  for (const name of names) graph.output(`${name}'`, after[name]!);
  const proofs = provenInPlace(
    graph,
    names.map((name) => ({ before: before[name], after: after[name]! })),
  );
  return Object.fromEntries(names.map((name, i) => [name, proofs[i]!]));
}

interface Tools {
  readonly graph: Graph;
  readonly p: Value;
  readonly q: Value;
  readonly x: Value;
  readonly add: (...inputs: Value[]) => Value;
  readonly multiply: (...inputs: Value[]) => Value;
  readonly product: (...inputs: Value[]) => Value;
  readonly exp: (...inputs: Value[]) => Value;
}

describe('proven', () => {
  test('an accumulator that only its own sum reads', () => {
    expect(prove(({ p, x, add }) => ({ p: add(p, x) }))).toEqual({ p: true });
  });

  test('an entry nothing reads', () => {
    expect(prove(({ p, q, x, product, add }) => ({ p: product(x, x), q: add(q, p) }))).toEqual({ p: false, q: true });
    expect(prove(({ x, product }) => ({ p: product(x, x) }))).toEqual({ p: true });
  });

  test('a writer that runs after every other reader', () => {
    expect(prove(({ p, x, add, product }) => ({ p: add(p, product(x, product(p, x))) }))).toEqual({ p: true });
  });

  test('a reader that writes nothing of the old value but runs before', () => {
    expect(prove(({ p, x, exp, product }) => ({ p: product(exp(p), x) }))).toEqual({ p: true });
  });

  test('a flat view read and written element by element', () => {
    expect(
      prove(({ graph, p, x }) => {
        const flat = (v: Value) => graph.reshape(v, [16]);
        return { p: graph.reshape(graph.op('Sub', [flat(p), flat(x)], 'float32', [16]), [4, 4]) };
      }),
    ).toEqual({ p: true });
  });
});

describe('refused', () => {
  test('another reader that may run after the writer', () => {
    expect(
      prove(({ graph, p, x, add, product }) => {
        graph.output('y', product(p, x));
        return { p: add(p, x) };
      }),
    ).toEqual({ p: false });
  });

  test('the parameter of a layer whose input gradient also needs it', () => {
    // p' needs dw only; dx = x · p, which another layer needs, may run later.
    expect(
      prove(({ p, q, x, add, product }) => {
        const dw = product(x, x);
        const dx = product(x, p);
        return { p: add(p, dw), q: add(q, dx) };
      }),
    ).toEqual({ p: false, q: true });
  });

  test('a writer that reads more than the element it writes', () => {
    expect(prove(({ p, x, product }) => ({ p: product(p, x) }))).toEqual({ p: false });
    expect(prove(({ graph, p }) => ({ p: graph.transpose(p, [1, 0]) }))).toEqual({ p: false });
  });

  test('a writer that reads a view of another shape', () => {
    const graph = new Graph();
    const p = graph.input('p', 'float32', [1, 1]);
    const column = graph.reshape(p, [1]);
    const after = graph.op('Add', [p, column], 'float32', [1, 1]);
    graph.output("p'", after);
    expect(provenInPlace(graph, [{ before: p, after }])).toEqual([false]);
  });

  test('two entries that are written from each other', () => {
    expect(prove(({ p, q, x, add, multiply }) => ({ p: add(p, q), q: multiply(add(q, x), p) }))).toEqual({
      p: false,
      q: false,
    });
  });

  test('an old value that is also an output, itself or as a view', () => {
    expect(
      prove(({ graph, p, x, add }) => {
        graph.output('old', p);
        return { p: add(p, x) };
      }),
    ).toEqual({ p: false });
    expect(
      prove(({ graph, p, x, add }) => {
        graph.output('old', graph.reshape(p, [16]));
        return { p: add(p, x) };
      }),
    ).toEqual({ p: false });
  });

  test('entries that change places', () => {
    expect(prove(({ p, q }) => ({ p: q, q: p }))).toEqual({ p: false, q: false });
  });

  test('a reader of a view that may run after the writer', () => {
    expect(
      prove(({ graph, p, x, add, exp }) => {
        graph.output('y', graph.op('Exp', [graph.reshape(p, [2, 8])], 'float32', [2, 8]));
        return { p: add(p, exp(x)) };
      }),
    ).toEqual({ p: false });
  });
});
