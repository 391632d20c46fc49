import type { Tensor } from '../../core/tensor.ts';
import { add, mul } from '../../ops/elementwise.ts';
import { addLayerNorm, addRmsNorm, rmsNormRope } from '../../ops/fused-normalization.ts';
import { layerNorm, rmsNorm } from '../../ops/normalization.ts';
import { rope } from '../../ops/rope.ts';
import { ropePair } from '../../ops/rope-pair.ts';
import { logSoftmax, softmax } from '../../ops/softmax.ts';
import { concat, transpose } from '../../ops/views.ts';
import type { CaseInput, OperatorCase } from '../operator-case.ts';

const x = (shape: readonly number[]): CaseInput => ({ shape });

export const normalizationCases: readonly OperatorCase[] = [
  ...[1, 37, 257].flatMap((N): OperatorCase[] => [
    { name: `softmax [R=5 N=${N}]`, inputs: [x([5, N])], run: ([a]) => softmax(a) },
    { name: `logSoftmax [R=5 N=${N}]`, inputs: [x([5, N])], run: ([a]) => logSoftmax(a) },
    { name: `rmsNorm [R=5 N=${N}]`, inputs: [x([5, N]), x([N])], run: ([a, w]) => rmsNorm(a, w) },
  ]),
  { name: 'softmax along the first axis', inputs: [x([7, 3, 5])], run: ([a]) => softmax(a, 0) },
  { name: 'logSoftmax along the middle axis', inputs: [x([3, 7, 5])], run: ([a]) => logSoftmax(a, 1) },
  {
    name: 'softmax of a masked row gives zeros',
    inputs: [{ shape: [2, 3], data: [-Infinity, -Infinity, -Infinity, 1, -Infinity, 2] }],
    run: ([a]) => softmax(a),
    isDifferentiable: false,
  },
  {
    name: 'softmax of logits of 1e4',
    inputs: [{ shape: [2, 4], data: [1e4, -1e4, 9999, 0, -1e4, -1e4, -1e4, 1e4] }],
    run: ([a]) => softmax(a),
    isDifferentiable: false,
  },
  { name: 'rmsNorm without weight', inputs: [x([3, 11])], run: ([a]) => rmsNorm(a, null, 1e-5) },
  { name: 'rmsNorm of many rows [515x6]', inputs: [x([515, 6]), x([6])], run: ([a, w]) => rmsNorm(a, w) },
  { name: 'layerNorm [R=5 N=37]', inputs: [x([5, 37]), x([37]), x([37])], run: ([a, w, b]) => layerNorm(a, w, b) },
  { name: 'layerNorm without weight and bias', inputs: [x([2, 3, 7])], run: ([a]) => layerNorm(a, null, null) },
  {
    name: 'layerNorm of many rows [515x6]',
    inputs: [x([515, 6]), x([6]), x([6])],
    run: ([a, w, b]) => layerNorm(a, w, b),
  },
  {
    name: 'addLayerNorm, both outputs [R=5 N=37]',
    inputs: [x([5, 37]), x([5, 37]), x([37]), x([37])],
    run: ([a, b, w, bias]) => {
      const { sum, out } = addLayerNorm(a, b, w, bias);
      return concat([sum, out], 0);
    },
  },
  {
    name: 'addLayerNorm without weight and bias, transposed input',
    inputs: [x([12, 3]), x([3, 12])],
    run: ([a, b]) => addLayerNorm(transpose(a), b, null, null, 1e-3).out,
  },
  {
    name: 'pre-norms of two sub-layers, whose gradients meet in the residual sum [R=5 N=8]',
    inputs: [x([5, 8]), x([5, 8]), x([8]), x([8])],
    run: ([a, b, w, bias]) => {
      const first = addLayerNorm(a, b, w, bias);
      const second = addRmsNorm(first.sum, mul(first.out, first.out), w);
      const third = addLayerNorm(second.sum, mul(second.out, second.out), w, null);
      return add(third.out, mul(third.sum, third.sum));
    },
  },
  ...[layerNorm, (a: Tensor, w: Tensor, _bias: Tensor) => rmsNorm(a, w)].map(
    (norm, n): OperatorCase => ({
      name: `x + ${n === 0 ? 'layerNorm' : 'rmsNorm'} of x, which gets a gradient from both [R=5 N=8]`,
      inputs: [x([5, 8]), x([8]), x([8])],
      run: ([a, w, bias]) => {
        const y = mul(a, a);
        return add(y, mul(norm(y, w, bias), bias));
      },
    }),
  ),
  {
    name: 'addRmsNorm, both outputs [R=5 N=37]',
    inputs: [x([5, 37]), x([5, 37]), x([37])],
    run: ([a, b, w]) => {
      const { sum, out } = addRmsNorm(a, b, w);
      return concat([sum, out], 0);
    },
  },
  {
    name: 'addRmsNorm without weight, transposed input',
    inputs: [x([12, 3]), x([3, 12])],
    run: ([a, b]) => addRmsNorm(transpose(a), b, null, 1e-5).out,
  },
  ...[false, true].flatMap((full): OperatorCase[] => [
    {
      name: `rmsNormRope over ${full ? 'all heads' : 'each head'} [B=2 T=3 H=3 D=8]`,
      inputs: [x([2, 3, 3, 8]), x([full ? 24 : 8]), { shape: [2, 3], kind: 'integer', data: [0, 1, 2, 7, 90, 511] }],
      run: ([a, w, positions]) => rmsNormRope(a, w, positions, { full, interleaved: full }),
    },
    {
      name: `rmsNormRope without weight over ${full ? 'all heads' : 'each head'}`,
      inputs: [x([1, 4, 2, 6]), { shape: [1, 4], kind: 'integer', data: [3, 4, 5, 6] }],
      run: ([a, positions]) => rmsNormRope(a, null, positions, { full, theta: 100 }),
    },
  ]),
  ...[false, true].map(
    (interleaved): OperatorCase => ({
      name: `rope ${interleaved ? 'interleaved' : 'in halves'} [B=2 T=5 H=3 D=8]`,
      inputs: [x([2, 5, 3, 8]), { shape: [2, 5], kind: 'integer', data: [0, 1, 2, 3, 4, 7, 90, 2, 511, 1] }],
      run: ([a, positions]) => rope(a, positions, { interleaved }),
    }),
  ),
  {
    name: 'rope, rmsNormRope and ropePair by frequencies [B=2 T=3 H=2 D=8]',
    inputs: [x([2, 3, 2, 8]), { shape: [2, 3], kind: 'integer', data: [0, 1, 2, 7, 90, 511] }],
    run: ([a, positions]) => {
      const frequencies = [1, 0.3, 0.004, 0];
      const { q, k } = ropePair(a, a, positions, { frequencies });
      const normed = rmsNormRope(a, null, positions, { frequencies, full: true });
      const part = rope(a, positions, { frequencies: frequencies.slice(1, 3), rotaryDim: 4, interleaved: true });
      return [q, k, normed, part];
    },
  },
  // The second shape is one that kernels read 16 bytes at a time.
  ...[
    { H: 3, Hkv: 2, D: 8, interleaved: true },
    { H: 3, Hkv: 1, D: 32, interleaved: false },
  ].flatMap(({ H, Hkv, D, interleaved }) =>
    (['q and k', 'q', 'k'] as const).map(
      (used): OperatorCase => ({
        name: `ropePair of which ${used} is used ${interleaved ? 'interleaved' : 'in halves'} [B=2 T=5 H=${H} Hkv=${Hkv} D=${D}]`,
        inputs: [
          x([2, 5, H, D]),
          x([2, 5, Hkv, D]),
          { shape: [2, 5], kind: 'integer', data: [0, 1, 2, 3, 4, 7, 90, 2, 511, 1] },
        ],
        run: ([a, b, positions]) => {
          const { q, k } = ropePair(a, b, positions, { interleaved });
          // Every input takes part.
          return [used === 'k' ? a : q, used === 'q' ? b : k];
        },
      }),
    ),
  ),
  {
    name: 'ropePair on 6 of 10 components, transposed queries',
    inputs: [
      x([2, 3, 5, 10]),
      x([2, 5, 2, 10]),
      { shape: [2, 5], kind: 'integer', data: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] },
    ],
    run: ([a, b, positions]) => {
      const { q, k } = ropePair(transpose(a, [0, 2, 1, 3]), b, positions, { theta: 500000, rotaryDim: 6 });
      return [q, k];
    },
  },
  {
    name: 'rope on 6 of 10 components, transposed input',
    inputs: [x([2, 3, 5, 10]), { shape: [2, 5], kind: 'integer', data: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] }],
    run: ([a, positions]) => rope(transpose(a, [0, 2, 1, 3]), positions, { theta: 500000, rotaryDim: 6 }),
  },
];
