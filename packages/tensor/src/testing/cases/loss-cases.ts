import { crossEntropy } from '../../ops/cross-entropy.ts';
import { linearCrossEntropy } from '../../ops/linear-cross-entropy.ts';
import type { OperatorCase } from '../operator-case.ts';

const targets = (N: number, V: number) => ({ shape: [N], kind: 'integer', values: 'ids', below: V }) as const;

export const lossCases: readonly OperatorCase[] = [
  {
    name: 'crossEntropy [N=7 V=11]',
    inputs: [{ shape: [7, 11] }, targets(7, 11)],
    run: ([x, t]) => crossEntropy(x, t),
  },
  {
    name: 'crossEntropy, z-loss, rows ignored',
    inputs: [{ shape: [5, 9] }, { shape: [5], kind: 'integer', data: [0, -100, 8, -100, 3] }],
    run: ([x, t]) => crossEntropy(x, t, { zLoss: 0.1 }),
  },
  {
    name: 'crossEntropy per row [N=3 V=1031]',
    inputs: [{ shape: [3, 1031] }, targets(3, 1031)],
    run: ([x, t]) => crossEntropy(x, t, { reduction: 'none' }),
  },
  {
    name: 'crossEntropy, all rows ignored, is 0',
    inputs: [{ shape: [2, 3] }, { shape: [2], kind: 'integer', data: [-100, -100] }],
    run: ([x, t]) => crossEntropy(x, t),
    isExact: true,
  },
  {
    name: 'linearCrossEntropy in chunks [N=13 C=6 V=17]',
    inputs: [{ shape: [13, 6] }, { shape: [17, 6] }, targets(13, 17)],
    run: ([x, w, t]) => linearCrossEntropy(x, w, t, { chunk: 5 }),
  },
  ...[5, 64].map(
    (chunk): OperatorCase => ({
      name: `linearCrossEntropy of capped logits with z-loss [N=13 C=6 V=17 chunk=${chunk}]`,
      inputs: [{ shape: [13, 6] }, { shape: [17, 6] }, targets(13, 17)],
      run: ([x, w, t]) => linearCrossEntropy(x, w, t, { chunk, softcap: 0.7, zLoss: 0.1 }),
    }),
  ),
];
