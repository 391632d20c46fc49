import { einsum } from '../../ops/einsum.ts';
import { linear, matmul } from '../../ops/matmul.ts';
import { transpose } from '../../ops/views.ts';
import type { OperatorCase } from '../operator-case.ts';

const SIZES: readonly (readonly [number, number, number])[] = [
  [1, 1, 1],
  [3, 5, 7],
  [17, 31, 33],
  [64, 64, 64],
  [65, 63, 70],
  [1, 129, 40],
  [130, 3, 1],
];

export const matmulCases: readonly OperatorCase[] = [
  ...SIZES.map(
    ([M, K, N]): OperatorCase => ({
      name: `matmul [M=${M} K=${K} N=${N}]`,
      inputs: [{ shape: [M, K] }, { shape: [K, N] }],
      run: ([a, b]) => matmul(a, b),
    }),
  ),
  {
    name: 'matmul, a transposed [M=9 K=13 N=6]',
    inputs: [{ shape: [13, 9] }, { shape: [13, 6] }],
    run: ([a, b]) => matmul(a, b, { transposeA: true }),
  },
  {
    name: 'matmul, b transposed [M=9 K=13 N=6]',
    inputs: [{ shape: [9, 13] }, { shape: [6, 13] }],
    run: ([a, b]) => matmul(a, b, { transposeB: true }),
  },
  {
    name: 'matmul, both transposed [M=9 K=13 N=6]',
    inputs: [{ shape: [13, 9] }, { shape: [6, 13] }],
    run: ([a, b]) => matmul(a, b, { transposeA: true, transposeB: true }),
  },
  {
    name: 'matmul batched [2x3] [M=5 K=4 N=7]',
    inputs: [{ shape: [2, 3, 5, 4] }, { shape: [2, 3, 4, 7] }],
    run: ([a, b]) => matmul(a, b),
  },
  {
    name: 'matmul broadcast over batch [M=5 K=4 N=7]',
    inputs: [{ shape: [2, 1, 5, 4] }, { shape: [3, 4, 7] }],
    run: ([a, b]) => matmul(a, b),
  },
  {
    name: 'matmul of permuted views [B=2 H=3]',
    inputs: [{ shape: [2, 5, 3, 4] }, { shape: [2, 7, 3, 4] }],
    run: ([q, k]) => matmul(transpose(q, [0, 2, 1, 3]), transpose(k, [0, 2, 3, 1])),
  },
  {
    name: 'matmul with bias',
    inputs: [{ shape: [5, 6] }, { shape: [6, 7] }, { shape: [7] }],
    run: ([a, b, bias]) => matmul(a, b, { bias }),
  },
  {
    name: 'matmul with f32 result',
    inputs: [{ shape: [5, 6] }, { shape: [6, 7] }],
    run: ([a, b]) => matmul(a, b, { outDtype: 'f32' }),
  },
  {
    name: 'matmul with K=0 gives zeros',
    inputs: [{ shape: [3, 0] }, { shape: [0, 2] }],
    run: ([a, b]) => matmul(a, b),
    isExact: true,
  },
  {
    name: 'linear with bias [2x3x5] -> 7',
    inputs: [{ shape: [2, 3, 5] }, { shape: [7, 5] }, { shape: [7] }],
    run: ([x, w, b]) => linear(x, w, b),
  },
  {
    name: "einsum 'bthd,bshd->bhts' [B=2 T=3 S=5 H=2 D=4]",
    inputs: [{ shape: [2, 3, 2, 4] }, { shape: [2, 5, 2, 4] }],
    run: ([q, k]) => einsum('bthd,bshd->bhts', q, k),
  },
  {
    name: "einsum 'ij,jk,lk->il', letters that nobody else has",
    inputs: [{ shape: [3, 4] }, { shape: [4, 5] }, { shape: [2, 5] }],
    run: ([a, b, c]) => einsum('ij,jk,lk->il', a, b, c),
  },
];
