import type { Tensor } from '../../core/tensor.ts';
import * as ops from '../../ops/elementwise.ts';
import { cast, split, transpose } from '../../ops/views.ts';
import type { CaseInput, OperatorCase } from '../operator-case.ts';

type Unary = (x: Tensor) => Tensor;

const ANY: readonly [string, Unary][] = [
  ['neg', ops.neg],
  ['exp', ops.exp],
  ['square', ops.square],
  ['sin', ops.sin],
  ['cos', ops.cos],
  ['tanh', ops.tanh],
  ['sigmoid', ops.sigmoid],
  ['silu', ops.silu],
  ['gelu', ops.gelu],
  ['geluErf', ops.geluErf],
  ['erf', ops.erf],
  ['affine', (x) => ops.affine(x, -1.5, 0.25)],
  ['softcap', (x) => ops.softcap(x, 1.75)],
  ['softcap far above its inputs', (x) => ops.softcap(x, 1000)],
];
/** Values away from the kink at 0, where central differences have no meaning. */
const KINKED: readonly [string, Unary][] = [
  ['abs', ops.abs],
  ['relu', ops.relu],
  ['clamp', (x) => ops.clamp(x, -3.03, 5.03)],
];
const POSITIVE: readonly [string, Unary][] = [
  ['log', ops.log],
  ['sqrt', ops.sqrt],
  ['rsqrt', ops.rsqrt],
  ['reciprocal', ops.reciprocal],
  ['pow with a number', (x) => ops.pow(x, 2.5)],
  ['pow with a tensor', (x) => ops.pow(x, x)],
];
const PAIRS: readonly [string, (a: Tensor, b: Tensor) => Tensor][] = [
  ['add', ops.add],
  ['sub', ops.sub],
  ['mul', ops.mul],
  ['swiglu', ops.swiglu],
];

const unary = (list: readonly [string, Unary][], values: CaseInput['values']): OperatorCase[] =>
  list.map(([name, run]) => ({ name: `${name} [7x13]`, inputs: [{ shape: [7, 13], values }], run: ([x]) => run(x) }));

const COMPARISONS = {
  equal: ops.equal,
  notEqual: ops.notEqual,
  less: ops.less,
  lessEqual: ops.lessEqual,
  greater: ops.greater,
  greaterEqual: ops.greaterEqual,
};

const comparisons = Object.entries(COMPARISONS).map(
  ([name, run]): OperatorCase => ({
    name: `${name} [5x7] and [7]`,
    inputs: [
      { shape: [5, 7], values: 'ids', below: 3 },
      { shape: [7], values: 'ids', below: 3 },
    ],
    run: ([a, b]) => run(a, b),
    isDifferentiable: false,
    isExact: true,
  }),
);

export const elementwiseCases: readonly OperatorCase[] = [
  ...unary(ANY, 'normal'),
  ...unary(KINKED, 'distinct'),
  ...unary(POSITIVE, 'positive'),
  ...PAIRS.flatMap(([name, run]): OperatorCase[] => [
    { name: `${name} [5x11]`, inputs: [{ shape: [5, 11] }, { shape: [5, 11] }], run: ([a, b]) => run(a, b) },
    {
      name: `${name} broadcast [3x1x5] and [7x1]`,
      inputs: [{ shape: [3, 1, 5] }, { shape: [7, 1] }],
      run: ([a, b]) => run(a, b),
    },
    {
      name: `${name} transposed [4x6] and [6x4]`,
      inputs: [{ shape: [4, 6] }, { shape: [6, 4] }],
      run: ([a, b]) => run(transpose(a), b),
    },
  ]),
  {
    name: 'swiglu of the halves of [5x24]',
    inputs: [{ shape: [5, 24] }],
    run: ([both]) => {
      const [gate, up] = split(both, [12, 12], -1);
      return ops.swiglu(gate, up);
    },
  },
  {
    name: 'swiglu [4x8], gate constant',
    inputs: [{ shape: [4, 8], constant: true }, { shape: [4, 8] }],
    run: ([gate, up]) => ops.swiglu(gate, up),
  },
  {
    name: 'swiglu [4x8], up constant',
    inputs: [{ shape: [4, 8] }, { shape: [4, 8], constant: true }],
    run: ([gate, up]) => ops.swiglu(gate, up),
  },
  { name: 'add of 1031 elements', inputs: [{ shape: [1031] }, { shape: [1031] }], run: ([a, b]) => ops.add(a, b) },
  {
    name: 'div [5x7] and [7]',
    inputs: [{ shape: [5, 7] }, { shape: [7], values: 'positive' }],
    run: ([a, b]) => ops.div(a, b),
  },
  { name: 'number / tensor', inputs: [{ shape: [9], values: 'positive' }], run: ([a]) => ops.div(2, a) },
  {
    name: 'maximum [3x67]',
    inputs: [
      { shape: [3, 67], values: 'distinct' },
      { shape: [3, 67], values: 'positive' },
    ],
    run: ([a, b]) => ops.maximum(a, b),
  },
  {
    name: 'minimum [3x67]',
    inputs: [
      { shape: [3, 67], values: 'distinct' },
      { shape: [3, 67], values: 'positive' },
    ],
    run: ([a, b]) => ops.minimum(a, b),
  },
  ...comparisons,
  {
    name: 'where [4x5], scalar condition row',
    inputs: [{ shape: [5], data: [1, 0, 2, 0, -1], constant: true }, { shape: [4, 5] }, { shape: [4, 5] }],
    run: ([c, a, b]) => ops.where(c, a, b),
  },
  {
    name: 'cast to f32 and back',
    inputs: [{ shape: [37] }],
    run: ([x]) => cast(cast(x, 'f32'), x.dtype),
    isExact: true,
  },
  {
    name: 'cast to i32 truncates',
    inputs: [{ shape: [6], data: [-1.75, -0.5, 0, 0.5, 1.75, 300] }],
    run: ([x]) => cast(x, 'i32'),
    isDifferentiable: false,
    isExact: true,
  },
  {
    name: 'notFinite',
    inputs: [{ shape: [5], data: [1, Number.POSITIVE_INFINITY, Number.NaN, -0, Number.NEGATIVE_INFINITY] }],
    run: ([x]) => ops.notFinite(x),
    isDifferentiable: false,
    isExact: true,
  },
];
