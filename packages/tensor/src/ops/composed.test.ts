import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as ops from '../index.ts';
import { type Device, init, type Tensor, tensor } from '../index.ts';

/** Einstein summation by its definition: a loop over every letter. */
function einsumLoops(equation: string, shapes: number[][], values: ArrayLike<number>[]): number[] {
  const [left, output] = equation.split('->');
  const terms = left.split(',');
  const extents = new Map(
    terms.flatMap((term, i) => [...term].map((letter, axis) => [letter, shapes[i][axis]] as const)),
  );
  const letters = [...extents.keys()];
  const place = (term: string, at: Map<string, number>): number =>
    [...term].reduce((sum, letter) => sum * extents.get(letter)! + at.get(letter)!, 0);
  const result = new Array<number>([...output].reduce((n, letter) => n * extents.get(letter)!, 1)).fill(0);
  const count = letters.reduce((n, letter) => n * extents.get(letter)!, 1);
  for (let i = 0; i < count; i++) {
    let rest = i;
    const at = new Map(
      letters.map((letter) => {
        const index = rest % extents.get(letter)!;
        rest = Math.floor(rest / extents.get(letter)!);
        return [letter, index] as const;
      }),
    );
    result[place(output, at)] += terms.reduce((product, term, j) => product * values[j][place(term, at)], 1);
  }
  return result;
}

describe.each(['reference', 'cpu'] as const)('operators made of others [%s]', (kind) => {
  let device: Device;
  beforeAll(async () => {
    device = await init({ device: kind });
  });
  afterAll(() => device.destroy());

  const digits = kind === 'cpu' ? 4 : 10;
  async function expectValues(x: Tensor, shape: number[], values: readonly number[]): Promise<void> {
    expect(x.shape).toEqual(shape);
    const found = await x.data();
    values.forEach((value, i) => expect(found[i]).toBeCloseTo(value, digits));
    expect(found.length).toBe(values.length);
  }

  it.each([
    [
      'ij,jk->ik',
      [
        [3, 4],
        [4, 5],
      ],
    ],
    [
      'bthd,bshd->bhts',
      [
        [2, 3, 2, 4],
        [2, 5, 2, 4],
      ],
    ],
    ['ij->ji', [[3, 4]]],
    ['ij->', [[3, 4]]],
    ['i,j->ij', [[3], [4]]],
    [
      'ij,ij->ij',
      [
        [3, 4],
        [3, 4],
      ],
    ],
    [
      'ij,ij->',
      [
        [3, 4],
        [3, 4],
      ],
    ],
    [
      'ab,cd->bc',
      [
        [2, 3],
        [4, 5],
      ],
    ],
    [
      'abc,cd,ebd->ea',
      [
        [2, 3, 4],
        [4, 5],
        [6, 3, 5],
      ],
    ],
    ['i,->i', [[3], []]],
  ] as [string, number[][]][])('einsum %s equals a loop over every letter', async (equation, shapes) => {
    const inputs = shapes.map((shape, i) => ops.randomNormal(shape, { seed: i + 1 }));
    const values = await Promise.all(inputs.map((x) => x.data()));
    const found = ops.einsum(equation, ...inputs);
    await expectValues(found, found.shape as number[], einsumLoops(equation, shapes, values));
  });

  it('einsum without an arrow has the letters that occur once, sorted', async () => {
    const [a, b] = [ops.randomNormal([3, 4], { seed: 1 }), ops.randomNormal([4, 2], { seed: 2 })];
    await expectValues(
      ops.einsum('zj,ja', a, b),
      [2, 3],
      einsumLoops(
        'zj,ja->az',
        [
          [3, 4],
          [4, 2],
        ],
        [await a.data(), await b.data()],
      ),
    );
  });

  it('logsumexp holds at infinities and where exp overflows', async () => {
    const inf = Number.POSITIVE_INFINITY;
    const x = tensor([
      [1000, 1000],
      [-inf, -inf],
      [inf, 1],
      [0, Math.log(3)],
    ]);
    await expectValues(ops.logsumexp(x, { axes: -1 }), [4], [1000 + Math.log(2), -inf, inf, Math.log(4)]);
    await expectValues(
      ops.logsumexp(
        tensor([
          [1, 2],
          [3, 4],
        ]),
      ),
      [],
      [4 + Math.log(1 + Math.exp(-1) + Math.exp(-2) + Math.exp(-3))],
    );
  });

  it('std and norm have gradient 0 where their root has none', async () => {
    const x = ops.asParameter(
      tensor([
        [2, 2, 2],
        [3, 4, 0],
      ]),
    );
    const root = ops.norm(x, { axes: 1 });
    await expectValues(root, [2], [Math.sqrt(12), 5]);
    await expectValues(
      ops.std(
        tensor([
          [2, 2, 2],
          [1, 2, 3],
        ]),
        { axes: 1 },
      ),
      [2],
      [0, Math.sqrt(2 / 3)],
    );
    const zero = ops.asParameter(tensor([0, 0]));
    ops.backward(ops.norm(zero));
    await expectValues(zero.grad!, [2], [0, 0]);
    const equal = ops.asParameter(tensor([2, 2]));
    ops.backward(ops.std(equal));
    await expectValues(equal.grad!, [2], [0, 0]);
  });

  it('cumsum, repeat, pad, tril, triu, oneHot, maskedFill and softmax along an axis', async () => {
    const x = tensor([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    await expectValues(ops.cumsum(x), [2, 3], [1, 3, 6, 4, 9, 15]);
    await expectValues(ops.cumsum(x, 0), [2, 3], [1, 2, 3, 5, 7, 9]);
    await expectValues(ops.cumsum(ops.ones([1, 11])), [1, 11], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    await expectValues(ops.repeat(x, [1, 2]), [2, 6], [1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6]);
    await expectValues(ops.repeat(x, [2, 0]), [4, 0], []);
    await expectValues(ops.pad(x, [0, 1], [1, 0], 7), [3, 4], [7, 1, 2, 3, 7, 4, 5, 6, 7, 7, 7, 7]);
    await expectValues(ops.tril(x), [2, 3], [1, 0, 0, 4, 5, 0]);
    await expectValues(ops.tril(x, 1), [2, 3], [1, 2, 0, 4, 5, 6]);
    await expectValues(ops.triu(x), [2, 3], [1, 2, 3, 0, 5, 6]);
    await expectValues(ops.triu(x, 5), [2, 3], [0, 0, 0, 0, 0, 0]);
    await expectValues(ops.oneHot(tensor([2, 0, 3], { dtype: 'i32' }), 3), [3, 3], [0, 0, 1, 1, 0, 0, 0, 0, 0]);
    await expectValues(ops.maskedFill(x, ops.greater(x, 4), -1), [2, 3], [1, 2, 3, 4, -1, -1]);
    const share = 1 / (1 + Math.exp(3));
    await expectValues(ops.softmax(x, 0), [2, 3], [share, share, share, 1 - share, 1 - share, 1 - share]);
  });
});
