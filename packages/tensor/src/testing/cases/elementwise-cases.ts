import { binaryNames, ternaryNames, unaryNames } from '@modajs/cpu/reference';
import { allocateTensor, type Tensor } from '../../core/tensor.ts';
import * as ops from '../../ops/elementwise.ts';
import * as unaryOps from '../../ops/unary.ts';
import { cast, split, transpose } from '../../ops/views.ts';
import type { CaseInput, OperatorCase } from '../operator-case.ts';

type Unary = (x: Tensor) => Tensor;

const { affine, clamp, softcap, ...ofOneTensor } = unaryOps;

/** Values away from the kink at 0, where central differences have no meaning. */
const KINKED = ['abs', 'relu'];
const POSITIVE = ['log', 'sqrt', 'rsqrt', 'reciprocal'];
/** Their gradient is 0 or none: `primitives` has their values. */
const FLAT = ['floor', 'notFinite', 'sign'];

const named = (isWanted: (name: string) => boolean): [string, Unary][] =>
  (Object.entries(ofOneTensor) as [string, Unary][]).filter(([name]) => isWanted(name));

/** All other functions of one tensor. */
const anyNumber: readonly [string, Unary][] = [
  ...named((name) => ![...KINKED, ...POSITIVE, ...FLAT].includes(name)),
  ['affine', (x) => affine(x, -1.5, 0.25)],
  ['softcap', (x) => softcap(x, 1.75)],
  ['softcap far above its inputs', (x) => softcap(x, 1000)],
];
const kinked: readonly [string, Unary][] = [
  ...named((name) => KINKED.includes(name)),
  ['clamp', (x) => clamp(x, -3.03, 5.03)],
];
const positive: readonly [string, Unary][] = [
  ...named((name) => POSITIVE.includes(name)),
  ['pow with a number', (x) => ops.pow(x, 2.5)],
  ['pow with a tensor', (x) => ops.pow(x, x)],
];

/** Every operator of the devices by itself, whatever function calls it: of contiguous inputs, of transposed and of small ones. */
function primitive(op: string, count: number, run: (inputs: readonly Tensor[], out: Tensor) => void): OperatorCase {
  const values = [...POSITIVE, 'pow', 'div'].includes(op) ? 'positive' : 'normal';
  const apply = (inputs: readonly Tensor[]): Tensor => {
    const [{ device, shape, dtype }] = inputs;
    const out = allocateTensor(device, shape, dtype);
    run(inputs, out);
    return out;
  };
  return {
    name: `primitive ${op} [32x36]`,
    inputs: Array.from({ length: count }, () => ({ shape: [32, 36], values })),
    // Near 0 too, where 1 - erfc(x) or exp(x) - 1 has lost its digits.
    run: (inputs) => [
      apply(inputs),
      apply(inputs.map((x) => transpose(x))),
      ...(inputs[0].dtype === 'f32' ? [apply(inputs.map((x) => affine(x, 2 ** -8, 0)))] : []),
    ],
    isDifferentiable: false,
  };
}

const primitives: readonly OperatorCase[] = [
  ...unaryNames.map((op) => {
    const [alpha, beta] = op === 'clamp' ? [-0.75, 1.25] : [3, -0.5];
    return primitive(op, 1, ([x], out) => x.device.backend.unary(op, x.view, out.view, alpha, beta));
  }),
  ...binaryNames.map((op) => primitive(op, 2, ([a, b], out) => a.device.backend.binary(op, a.view, b.view, out.view))),
  ...ternaryNames.map((op) =>
    primitive(op, 3, ([a, b, c], out) => a.device.backend.ternary(op, a.view, b.view, c.view, out.view)),
  ),
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
  ...primitives,
  ...unary(anyNumber, 'normal'),
  ...unary(kinked, 'distinct'),
  ...unary(positive, 'positive'),
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
    run: ([x]) => unaryOps.notFinite(x),
    isDifferentiable: false,
    isExact: true,
  },
];
