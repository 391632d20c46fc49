import { enableDTypes } from '@modajs/kernels';
import type { DType } from '../../core/dtype.ts';
import { customKernel } from '../../custom/custom-kernel.ts';
import { customOp } from '../../custom/custom-op.ts';
import { add, mul } from '../../ops/elementwise.ts';
import { cos, exp, neg, sigmoid, sin, square } from '../../ops/unary.ts';
import { broadcastTo, reshape, slice, transpose } from '../../ops/views.ts';
import type { OperatorCase } from '../operator-case.ts';

const WORKGROUP = 64;

/** log(1 + exp(x)), and its slope beside dOut in one kernel: what a user would write. */
const shaderOf = (dtype: DType, expression: string, isGradient: boolean): string => `
${enableDTypes('', [dtype])}
@group(0) @binding(0) var<storage, read> x: array<${dtype}>;
${isGradient ? `@group(0) @binding(1) var<storage, read> d_out: array<${dtype}>;` : ''}
@group(0) @binding(${isGradient ? 2 : 1}) var<storage, read_write> out: array<${dtype}>;
struct Params { size: u32, beta: f32 }
@group(0) @binding(${isGradient ? 3 : 2}) var<uniform> params: Params;
override WIDTH: u32;
@compute @workgroup_size(WIDTH) fn main(@builtin(global_invocation_id) id: vec3u) {
  let i = id.x;
  if (i >= params.size) { return; }
  let z = params.beta * f32(x[i]);
  out[i] = ${dtype}(${expression});
}`;

const dispatch = (size: number, shader: string, beta: number) => ({
  shader,
  constants: { WIDTH: WORKGROUP },
  uniform: [size, { f32: beta }],
  workgroups: [Math.ceil(size / WORKGROUP), 1, 1] as const,
});
const sizeOf = (shape: readonly number[]): number => shape.reduce((product, extent) => product * extent, 1);

interface Softplus {
  readonly beta: number;
}

const softplusValue = customKernel({
  name: 'softplus',
  inputs: ['x'],
  output: ([x]) => x,
  cpu: ([x], [out], { beta }: Softplus) => {
    for (let i = 0; i < x.length; i++) out[i] = Math.log1p(Math.exp(beta * x[i])) / beta;
  },
  wgsl: ([x], _, { beta }) =>
    dispatch(sizeOf(x.shape), shaderOf(x.dtype, '(max(z, 0.0) + log(1.0 + exp(-abs(z)))) / params.beta', false), beta),
});

const softplusSlope = customKernel({
  name: 'softplusSlope',
  inputs: ['x', 'dOut'],
  output: ([x]) => x,
  cpu: ([x, dOut], [dx], { beta }: Softplus) => {
    for (let i = 0; i < x.length; i++) dx[i] = dOut[i] / (1 + Math.exp(-beta * x[i]));
  },
  wgsl: ([x], _, { beta }) =>
    dispatch(sizeOf(x.shape), shaderOf(x.dtype, 'f32(d_out[i]) / (1.0 + exp(-z))', true), beta),
});

const softplus = customOp({
  name: 'softplus',
  inputs: ['x'],
  keeps: ['inputs'],
  forward: ([x], options: Softplus) => softplusValue([x], options),
  backward: ({ inputs: [x], gradients: [dOut], options }) => [softplusSlope([x, dOut], options)],
});

/** Of two inputs and two results, with operators only; keeps what it needs. */
const polar = customOp({
  name: 'polar',
  inputs: ['radius', 'angle'],
  forward: ([radius, angle]) => [mul(radius, cos(angle)), mul(radius, sin(angle))],
  backward: ({ inputs: [radius, angle], outputs: [x, y], gradients: [dx, dy], needs }) => [
    needs[0] ? add(mul(dx, cos(angle)), mul(dy, sin(angle))) : null,
    needs[1] ? add(mul(dx, neg(y)), mul(dy, x)) : radius,
  ],
});

const cube = customOp({
  name: 'cube',
  inputs: ['x'],
  keeps: ['inputs'],
  forward: ([x]) => mul(square(x), x),
  backward: ({ inputs: [x], gradients: [dOut] }) => [mul(mul(square(x), 3), dOut)],
});

/** A result that the gradient is made of, as of `exp`. */
const growth = customOp({
  name: 'growth',
  inputs: ['x'],
  keeps: ['outputs'],
  forward: ([x]) => exp(x),
  backward: ({ outputs: [y], gradients: [dOut] }) => [mul(y, dOut)],
});

const beta = 1.5;

/** Operators of a user's own: kernels (sizes at the edges of a workgroup, views, empty ones) and compositions. */
export const customCases: readonly OperatorCase[] = [
  ...[1, 63, 64, 65, 193].map((N) => ({
    name: `customOp with a kernel [N=${N}]`,
    inputs: [{ shape: [N] }],
    run: ([x]: Parameters<OperatorCase['run']>[0]) => softplus([x], { beta }),
  })),
  {
    name: 'customOp with a kernel of no elements [3, 0]',
    inputs: [{ shape: [3, 0] }],
    run: ([x]) => softplus([x], { beta }),
  },
  {
    name: 'customOp with a kernel of a view that starts at element 7 [5, 7]',
    inputs: [{ shape: [5, 7] }],
    run: ([x]) => softplus([slice(x, [1], [4])], { beta }),
  },
  {
    name: 'customOp with a kernel of a transposed view [5, 7]',
    inputs: [{ shape: [5, 7] }],
    run: ([x]) => softplus([transpose(x)], { beta }),
  },
  {
    name: 'customOp with a kernel of an expanded view [1, 7] to [3, 7]',
    inputs: [{ shape: [1, 7] }],
    run: ([x]) => softplus([broadcastTo(x, [3, 7])], { beta }),
  },
  {
    name: 'customOp with a kernel used twice and of itself [11]',
    inputs: [{ shape: [11] }],
    run: ([x]) => add(softplus([softplus([x], { beta })], { beta: 0.5 }), softplus([x], { beta })),
  },
  {
    name: 'customOp of two results [3, 5]',
    inputs: [{ shape: [3, 5] }, { shape: [3, 5] }],
    run: (inputs) => polar(inputs),
  },
  {
    name: 'customOp of two results, of which one is unused [3, 5]',
    inputs: [{ shape: [3, 5] }, { shape: [3, 5], constant: true }],
    run: (inputs) => polar(inputs)[1],
  },
  {
    name: 'customOp made of operators [2, 3, 5]',
    inputs: [{ shape: [2, 3, 5] }],
    run: ([x]) => sigmoid(reshape(cube([x]), [6, 5])),
  },
  {
    name: 'customOp whose gradient reads its result [13]',
    inputs: [{ shape: [13] }],
    run: ([x]) => growth([growth([mul(x, 0.25)])]),
  },
];
