import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AtIndex, asParameter, assign, at, backward, type Device, init, mul, sum, tensor } from '../index.ts';

const shape = [3, 4, 5];

/** Nested arrays `[[0, 1, ..], ..]` of the row-major numbers of a shape. */
function nested(extents: readonly number[], first = 0): unknown {
  if (extents.length === 0) return first;
  const [n, ...rest] = extents;
  const size = rest.reduce((a, b) => a * b, 1);
  return Array.from({ length: n }, (_, i) => nested(rest, first + i * size));
}

describe.each(['reference', 'cpu'] as const)('at [%s]', (kind) => {
  let device: Device;
  beforeAll(async () => {
    device = await init({ device: kind });
  });
  afterAll(() => device.destroy());

  const numbers = (extents = shape) => tensor(nested(extents) as never, { device });
  const ids = (values: unknown) => tensor(values as never, { dtype: 'i32', device });

  // Expected values are NumPy's for np.arange(60).reshape(3, 4, 5).
  it.each<[AtIndex[], unknown]>([
    [[1, 2, 3], 33],
    [[-1, -1, -1], 59],
    [
      [0, 0],
      [0, 1, 2, 3, 4],
    ],
    [
      ['...', 4],
      [
        [4, 9, 14, 19],
        [24, 29, 34, 39],
        [44, 49, 54, 59],
      ],
    ],
    [
      [0, '1:3', '::2'],
      [
        [5, 7, 9],
        [10, 12, 14],
      ],
    ],
    [
      [0, 0, '::-1'],
      [4, 3, 2, 1, 0],
    ],
    [
      [0, 0, '::-2'],
      [4, 2, 0],
    ],
    [
      [0, 0, '3:0:-1'],
      [3, 2, 1],
    ],
    [
      [0, 0, '-2:'],
      [3, 4],
    ],
    [
      [0, 0, ':-3'],
      [0, 1],
    ],
    [
      [0, 0, '1:100'],
      [1, 2, 3, 4],
    ],
    [
      [0, 0, '-100:2'],
      [0, 1],
    ],
    [
      [0, 0, '100:-100:-2'],
      [4, 2, 0],
    ],
    [[0, 0, '3:1'], []],
    [[0, 0, '1:3:-1'], []],
    [
      [0, '::-3', '4:0:-3'],
      [
        [19, 16],
        [4, 1],
      ],
    ],
    [[2, null, 0], [[40, 41, 42, 43, 44]]],
    [[null, 2, '...', null, 1], [[[41], [46], [51], [56]]]],
    [
      [0, [3, 0, -1], 1],
      [16, 1, 16],
    ],
    [
      ['...', [4, -5]],
      [
        [
          [4, 0],
          [9, 5],
          [14, 10],
          [19, 15],
        ],
        [
          [24, 20],
          [29, 25],
          [34, 30],
          [39, 35],
        ],
        [
          [44, 40],
          [49, 45],
          [54, 50],
          [59, 55],
        ],
      ],
    ],
    [
      [
        [0, 2],
        [1, -1],
        [0, 4],
      ],
      [5, 59],
    ],
    [
      [[0, 2], [1, 3], '1:3'],
      [
        [6, 7],
        [56, 57],
      ],
    ],
    [['2:', [1, 3], [0, 4]], [[45, 59]]],
    [
      [[2, 0], '1:3', [4, 0]],
      [
        [49, 54],
        [5, 10],
      ],
    ],
    [[[]], []],
  ])('x[%j] is what NumPy gives', async (indices, expected) => {
    const found = at(numbers(), ...indices);
    expect(await found.array()).toEqual(expected);
  });

  it('index tensors of any shape put their axes in the place of the indexed one, and broadcast together', async () => {
    const x = numbers([3, 4]);
    expect(
      await at(
        x,
        ids([
          [0, 2],
          [-1, 1],
        ]),
        1,
      ).array(),
    ).toEqual([
      [1, 9],
      [9, 5],
    ]);
    expect(await at(x, 1, ids(2)).array()).toBe(6);
    expect(await at(x, ids([[0], [2]]), [0, 3]).array()).toEqual([
      [0, 3],
      [8, 11],
    ]);
    expect(await at(x, tensor(new Uint32Array([2, 0]), { device }), 3).array()).toEqual([11, 3]);
    expect(await at(numbers([2, 3]), ids([0, 5])).array()).toEqual([
      [0, 1, 2],
      [Number.NaN, Number.NaN, Number.NaN],
    ]);
    expect(await at(numbers([2, 3]), ids([0, 5, -3]), ids([1, 0, 2])).array()).toEqual([1, Number.NaN, Number.NaN]);
    expect(await at(tensor([7, 8], { dtype: 'i32', device }), ids([1, 2, -3])).array()).toEqual([8, 0, 0]);
  });

  it('is a view of its tensor where slices go forwards', async () => {
    const x = numbers([3, 4]);
    assign(at(x, 1, '::2'), -1);
    expect(await x.array()).toEqual([
      [0, 1, 2, 3],
      [-1, 5, -1, 7],
      [8, 9, 10, 11],
    ]);
  });

  it.each<[AtIndex[], number[][]]>([
    [
      ['::2', 1],
      [
        [0, 1, 0, 0],
        [0, 0, 0, 0],
        [0, 2, 0, 0],
      ],
    ],
    [
      [1, '::-2'],
      [
        [0, 0, 0, 0],
        [0, 2, 0, 1],
        [0, 0, 0, 0],
      ],
    ],
    [
      [[0, 0, -3], 2],
      [
        [0, 0, 6, 0],
        [0, 0, 0, 0],
        [0, 0, 0, 0],
      ],
    ],
    [
      [
        [0, 2, 0],
        [3, 1, 3],
      ],
      [
        [0, 0, 0, 4],
        [0, 0, 0, 0],
        [0, 2, 0, 0],
      ],
    ],
  ])('the gradient of x[%j] goes back and adds up', async (indices, expected) => {
    const x = asParameter(numbers([3, 4]));
    const picked = at(x, ...indices);
    backward(
      sum(
        mul(
          picked,
          tensor(
            Array.from({ length: picked.size }, (_, i) => i + 1),
            { device },
          ),
        ),
      ),
    );
    expect(await x.grad!.array()).toEqual(expected);
  });

  it.each<[unknown[], RegExp]>([
    [[3], /^at: index 0 must be an index of axis 0 of \[3, 4, 5\], which has size 3 .*-3\.\.2\), got 3\./],
    [[0, -5], /axis 1 .*size 4 .*got -5/],
    [[0, [1, 4]], /index 1\[1\] .*axis 1 .*size 4 .*got 4/],
    [['...', 1.5], /axis 2 .*size 5 .*got 1\.5/],
    [[0, 0, 0, 0], /at most 3 indices.*got 4/],
    [['...', '...'], /got 0 and 2/],
    [['1'], /slice.*got "1"/],
    [['::0'], /step other than 0/],
    [['1.5:'], /whole numbers/],
    [[undefined], /got undefined/],
    [[true], /got true/],
    [[Promise.resolve(1)], /got .*romise/],
  ])('x[%j] is refused by name', (indices, message) => {
    expect(() => at(numbers(), ...(indices as AtIndex[]))).toThrow(message);
  });

  it('a tensor of other than integers is refused with the cast', () => {
    expect(() => at(numbers(), tensor([1, 0], { device }))).toThrow(/index 0 must be i32 or u32, got f32. Use cast/);
  });
});
