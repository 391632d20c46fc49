import { describe, expect, it } from 'vitest';
import { attentionReference } from './attention.ts';
import { attentionBackwardReference } from './attention-backward.ts';
import type { AttentionShape, DepthReference } from './attention-shape.ts';
import { centralDifference } from './central-difference.ts';
import { exact } from './round.ts';

/** A fixed, irregular filling in [-1, 1). */
function wave(length: number, phase: number): Float64Array {
  return new Float64Array(length).map((_, i) => Math.sin(1.7 * i + phase) * Math.cos(0.31 * i * phase + 1));
}

const base: AttentionShape = {
  B: 2,
  T: 5,
  Tk: 7,
  keyCapacity: 8,
  H: 6,
  Hkv: 2,
  D: 3,
  Dv: 2,
  scale: 0.6,
  causal: true,
  window: null,
  softcap: null,
  docRange: null,
};

function depthOf(shape: AttentionShape, S: number, slots: number[], chunk = 1, chunkPhase = 0): DepthReference {
  const { B, T, Hkv, D, Dv } = shape;
  const Td = T + 1;
  const segments = slots.map((count, n) => ({
    k: wave(count * B * Td * Hkv * D, 3 + n),
    v: wave(count * B * Td * Hkv * Dv, 5 + n),
    slots: count,
  }));
  return { S, segments, Td, chunk, chunkPhase };
}

function inputsOf(shape: AttentionShape, depth: DepthReference | null, hasSequence = true) {
  const { B, T, H, Hkv, D, Dv, keyCapacity } = shape;
  return {
    q: wave(B * T * H * D, 1),
    k: hasSequence ? wave(B * keyCapacity * Hkv * D, 2) : null,
    v: hasSequence ? wave(B * keyCapacity * Hkv * Dv, 4) : null,
    depth,
  };
}

// Two documents a row: keys 0..2 and 3..6; queries sit at keys 2..6.
const docRange = Float64Array.from(Array.from({ length: 2 }, () => [0, 3, 3, 7, 3, 7, 3, 7, 3, 7]).flat());

const cases = [
  { name: 'attention', shape: base, depth: null },
  { name: 'attention, not causal, window 3', shape: { ...base, causal: false, window: 3 }, depth: null },
  { name: 'moda over two segments with unused slots', shape: base, depth: depthOf(base, 4, [3, 2]) },
  { name: 'depth attention', shape: base, depth: depthOf(base, 3, [3]), hasSequence: false },
  { name: 'moda under a softcap', shape: { ...base, softcap: 0.4 }, depth: depthOf(base, 3, [3]) },
  { name: 'chunk visible, C=3, phase 2', shape: base, depth: depthOf(base, 2, [2], 3, 2) },
  { name: 'chunk visible with documents', shape: { ...base, docRange }, depth: depthOf(base, 2, [2], 4, 1) },
];

describe('attention reference', () => {
  for (const { name, shape, depth, hasSequence } of cases) {
    it(`has gradients equal to central differences: ${name}`, () => {
      const inputs = inputsOf(shape, depth, hasSequence);
      const { out, lse } = attentionReference(shape, inputs, exact);
      const dOut = wave(out.length, 7);
      const dLse = wave(lse.length, 8);
      const objective = () => {
        const result = attentionReference(shape, inputs, exact);
        return (
          result.out.reduce((sum, x, i) => sum + x * dOut[i], 0) + result.lse.reduce((s, x, i) => s + x * dLse[i], 0)
        );
      };
      const gradients = attentionBackwardReference(shape, { ...inputs, out, lse, dOut, dLse }, exact);
      const pairs: [Float64Array | null, Float64Array][] = [
        [inputs.q, gradients.dq],
        [inputs.k, gradients.dk],
        [inputs.v, gradients.dv],
        ...(depth?.segments ?? []).flatMap(({ k, v }, n): [Float64Array, Float64Array][] => [
          [k, gradients.dDepth[n].k],
          [v, gradients.dDepth[n].v],
        ]),
      ];
      for (const [x, gradient] of pairs) {
        if (!x) continue;
        const expected = centralDifference(objective, x);
        expected.forEach((value, i) => {
          expect(Math.abs(value - gradient[i])).toBeLessThan(1e-8);
        });
      }
    });
  }

  it('gives zeros, -Infinity and zero gradients to a query whose document holds no key', () => {
    const shape = { ...base, docRange: new Float64Array(2 * 5 * 2) };
    const inputs = inputsOf(shape, null);
    const { out, lse } = attentionReference(shape, inputs, exact);
    expect([...out].every((x) => x === 0)).toBe(true);
    expect([...lse].every((x) => x === -Infinity)).toBe(true);
    const dOut = wave(out.length, 7);
    const { dq, dk } = attentionBackwardReference(shape, { ...inputs, out, lse, dOut, dLse: null }, exact);
    expect([...dq, ...dk].every((x) => x === 0)).toBe(true);
  });

  it('never reads keys past Tk or slots past S', () => {
    const depth = depthOf(base, 2, [1, 3]);
    const inputs = inputsOf(base, depth);
    const clean = attentionReference(base, inputs, exact);
    const { Hkv, D, Dv, B } = base;
    for (let b = 0; b < B; b++) inputs.k!.fill(NaN, (b * 8 + 7) * Hkv * D, (b + 1) * 8 * Hkv * D);
    depth.segments[1].k.fill(NaN, B * depth.Td * Hkv * D);
    depth.segments[1].v.fill(Infinity, B * depth.Td * Hkv * Dv);
    expect(attentionReference(base, inputs, exact)).toEqual(clean);
  });
});
