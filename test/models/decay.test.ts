import { expect, it } from 'vitest';
import { architectures } from '../../src/domain/architecture.ts';
import { decays } from '../../src/models/parameters.ts';
import { createModel } from '../../src/models/registry.ts';

it('spares norms and biases, and nothing else', () => {
  const names = new Map<string, boolean>();
  for (const architecture of architectures) {
    for (const p of createModel(architecture, architecture.defaultSize, 10).parameters) {
      const last = p.name.split('.').at(-1)!;
      expect(decays(p), `${architecture.name} ${p.name}`).toBe(last !== 'bias' && !p.norm);
      if (last === 'weight') expect(p.norm, p.name).toBe(p.shape.length === 1);
      else names.set(last, decays(p));
    }
  }
  const decayed = [...names].filter(([, decay]) => decay).map(([name]) => name);
  expect(decayed.sort()).toEqual(
    ['cls_token', 'gamma', 'logit_scale', 'pos_embed', 'q_bias', 'relative_position_bias_table', 'v_bias'].sort(),
  );
  expect([...names].filter(([, decay]) => !decay)).toEqual([['bias', false]]);
});
