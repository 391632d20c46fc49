import { enableDTypes } from '@modajs/kernels';
import { DTYPE_NAMES } from '../../core/dtype.ts';
import * as ops from '../../index.ts';
import type { CallTable } from './call.ts';
import {
  callback,
  device,
  dtype,
  floatDType,
  type Kind,
  kind,
  list,
  name,
  named,
  notNegative,
  nullable,
  optional,
  options,
  positive,
  required,
  tensorOf,
  whole,
  without,
} from './kinds.ts';

const f32 = { dtypes: ['f32'] } as const;
const alone = { isRankFixed: false, fixed: [], hasNoOthers: true } as const;
const weights = named({
  w: tensorOf([2, 3], { ...f32, isRankFixed: false, fixed: [] }),
  b: tensorOf([3], { ...f32, isRankFixed: false, fixed: [] }),
});
const mixed = named({
  w: tensorOf([2, 3], { isRankFixed: false, fixed: [] }),
  b: tensorOf([3], { isRankFixed: false, fixed: [] }),
});

/** A body that must be synchronous. */
const body: Kind = {
  good:
    ({ device: here }) =>
    () =>
      ops.ones([2], { device: here }),
  wrong: {
    ...required(callback(null)).wrong,
    'an async function':
      ({ device: here }) =>
      async () => {
        const x = ops.ones([2], { device: here });
        await Promise.resolve();
        return ops.add(x, 1);
      },
  },
};

const operatorName = kind('mine', { 'an empty string': '', 'a sentence': 'my operator', 'a number': 1 });
const inputNames = kind(['x'], {
  'no names': [],
  'one twice': ['x', 'x'],
  'an empty name': [''],
  'a number in it': [1],
  'a string': 'x',
});

const bodyOf = (run: (inputs: readonly ops.Tensor[]) => ops.Tensor): Kind => ({
  good: () => run,
  wrong: {
    ...required(callback(null)).wrong,
    'an async function':
      () =>
      async ([x]: readonly ops.Tensor[]) =>
        x,
    'one that returns a number': () => () => 1,
    'one that returns nothing': () => () => {},
  },
});

/** A function of one tensor with one value. */
const functionOfTensor: Kind = {
  good: () => (x: ops.Tensor) => ops.sum(x),
  wrong: {
    ...required(callback(null)).wrong,
    'an async function': () => async (x: ops.Tensor) => ops.sum(x),
    'one that returns a number': () => () => 1,
    'one that returns many elements':
      ({ device: here }) =>
      () =>
        ops.ones([2], { device: here }),
  },
};

/** Code for `webgpu` beside that for the host, where the definition has one. */
const shaderOf = (settings: unknown): object =>
  isRecordOf(settings) && settings['cpu'] !== undefined
    ? {
        wgsl: ([{ dtype }]: readonly ops.TensorSpec[]) => ({
          shader: `${enableDTypes('', [dtype])}
            @group(0) @binding(0) var<storage, read> x: array<${dtype}>;
            @group(0) @binding(1) var<storage, read_write> out: array<${dtype}>;
            @compute @workgroup_size(2) fn main(@builtin(local_invocation_index) i: u32) { out[i] = x[i]; }`,
          workgroups: [1, 1, 1],
        }),
      }
    : {};

const rates = { lr: notNegative(0.1) };
const adamW = options(
  {
    ...rates,
    betas: kind([0.9, 0.95], {
      'one number': [0.9],
      'three numbers': [0.9, 0.9, 0.9],
      'one above': [0.9, 1],
      negative: [-0.1, 0.9],
      NaN: [Number.NaN, 0.9],
      text: ['0.9', 0.9],
      'a number': 0.9,
    }),
    eps: positive(1e-8),
    weightDecay: notNegative(0.1),
    noDecay: callback(() => false),
  },
  ['lr'],
);

type Parameters = Record<string, ops.Tensor>;

function withGradients(params: Parameters): Parameters {
  for (const parameter of Object.values(params)) {
    ops.asParameter(parameter);
    parameter.grad = ops.withoutScope(() => ops.onesLike(parameter));
  }
  return params;
}

/** Runs with an optimiser of two parameters that have gradients; it is disposed of whatever happens. */
function withAdamW(here: ops.Device, run: (optimizer: ops.AdamW) => void): void {
  const params = withGradients({ w: ops.ones([2, 3], { device: here }), b: ops.ones([3], { device: here }) });
  using optimizer = new ops.AdamW(params, { lr: 0.1 });
  run(optimizer);
}

const moments = tensorOf([3], f32);

/** Autograd, memory, devices and optimisers. */
export const coreCalls: CallTable = {
  asParameter: { run: ops.asParameter, args: [tensorOf([2], alone), optional(name('matrix'))] },
  isDecayed: { run: ops.isDecayed, args: [required(name('matrix'))] },
  backward: {
    run: (x, gradient, settings) =>
      ops.backward(ops.sum(isTensor(x) ? ops.mul(ops.asParameter(x), 2) : x, { axes: [] }), gradient, settings),
    args: [
      tensorOf([2], { ...f32, isRankFixed: false, fixed: [] }),
      without(tensorOf([2], f32), 'nothing'),
      options({ onGradient: callback(() => {}) }),
    ],
  },
  noGrad: { run: ops.noGrad, args: [body] },
  valueAndGrad: {
    run: (f, x) => Object.values(ops.valueAndGrad(f)(x)).map((part) => (part as ops.Tensor).dispose()),
    args: [functionOfTensor, tensorOf([2], alone)],
  },
  grad: {
    run: (f, x) => (ops.grad(f)(x) as ops.Tensor).dispose(),
    args: [functionOfTensor, tensorOf([2], alone)],
  },
  tidy: { run: ops.tidy, args: [body] },
  withoutScope: {
    run: (run) => ops.withoutScope(typeof run === 'function' && !/ones/.test(`${run}`) ? run : () => run),
    args: [{ good: () => 1, wrong: { 'a promise': () => Promise.resolve(1) } }],
  },
  checkpoint: {
    run: ops.checkpoint,
    args: [
      {
        good: () => (x: ops.Tensor) => ops.mul(x, 2),
        wrong: {
          ...required(callback(null)).wrong,
          'an async function': () => async (x: ops.Tensor) => x,
          'one that returns a number': () => () => 1,
          'one that returns two tensors': () => (x: ops.Tensor) => [x, x],
        },
      },
      list(tensorOf([2], { ...alone, dtypes: DTYPE_NAMES })),
    ],
  },
  customOp: {
    run: (settings, inputs) => ops.customOp(settings)(inputs),
    args: [
      options(
        {
          name: operatorName,
          inputs: inputNames,
          forward: bodyOf(([x]) => x),
          backward: callback(() => [null]),
          keeps: kind(['inputs'], { 'another name': ['gradients'], 'a string': 'inputs', true: true }),
        },
        ['name', 'inputs', 'forward', 'backward'],
      ),
      list(tensorOf([2], { ...alone, dtypes: DTYPE_NAMES })),
    ],
  },
  customKernel: {
    run: (settings, inputs) => ops.customKernel({ ...settings, ...shaderOf(settings) })(inputs),
    args: [
      options(
        {
          name: operatorName,
          inputs: inputNames,
          output: callback(([x]: readonly ops.TensorSpec[]) => x),
          cpu: callback(([x]: readonly ops.HostArray[], [out]: readonly ops.HostArray[]) => out.set(x)),
        },
        ['name', 'inputs', 'output', 'cpu'],
      ),
      list(tensorOf([2], { ...alone, dtypes: DTYPE_NAMES })),
    ],
  },
  setDefaultDevice: { run: ops.setDefaultDevice, args: [required(device)] },
  'Tensor.array': {
    run: (x, rank) => x.array(rank),
    args: [{ good: ({ device: here }) => ops.ones([2, 3], { device: here }), wrong: {} }, whole(2)],
  },
  'Device.supports': {
    run: (here, named) => here.supports(named),
    args: [{ good: ({ device: here }) => here, wrong: {} }, required(dtype())],
  },
  init: {
    run: async (settings) => (await ops.init(settings)).destroy(),
    args: [
      options({
        device: { ...name('reference'), good: () => 'reference' },
        threads: whole(1, 1, 64),
        profile: { good: () => false, wrong: { 'a string': () => 'no', 'a number': () => 1, null: () => null } },
        residentWorkgroups: whole(0),
      }),
    ],
  },
  kernelSpans: { run: ops.kernelSpans, args: [required(device)] },
  AdamW: {
    run: (params, settings) => new ops.AdamW(params, settings).dispose(),
    args: [weights, adamW],
  },
  'AdamW.step': {
    run: (anchor, settings) => withAdamW(anchor.device, (optimizer) => optimizer.step(settings)),
    args: [
      { good: tensorOf([1]).good, wrong: {} },
      options({ ...rates, lrRatio: notNegative(0.5), gradScale: optional(tensorOf([], f32)) }),
    ],
  },
  'AdamW.loadState': {
    run: (anchor, state, count) => withAdamW(anchor.device, (optimizer) => optimizer.loadState(state, count)),
    args: [
      { good: tensorOf([1]).good, wrong: {} },
      named({ 'w.m': tensorOf([2, 3], f32), 'w.v': tensorOf([2, 3], f32), 'b.m': moments, 'b.v': moments }),
      required(whole(3)),
    ],
  },
  allocateGradients: { run: ops.allocateGradients, args: [mixed] },
  clipGradNorm: {
    run: (params, most, scale) => ops.clipGradNorm(isRecord(params) ? withGradients(params) : params, most, scale),
    args: [
      without(
        mixed,
        ...Object.keys(mixed.wrong).filter((label) => /^[wb]: /.test(label) && !/another device/.test(label)),
      ),
      required({ good: () => 1, wrong: { ...without(positive(1), 'Infinity').wrong } }),
      positive(1),
    ],
  },
  ParameterCopies: {
    run: (params, dtype) => new ops.ParameterCopies(params, dtype).dispose(),
    args: [mixed, required(without(floatDType))],
  },
  'ParameterCopies.get': {
    run: (anchor, wanted) => {
      using copies = new ops.ParameterCopies({ w: anchor }, 'f32');
      return copies.get(wanted);
    },
    args: [{ good: tensorOf([1]).good, wrong: {} }, required(name('w'))],
  },
};

/** Gradients that do not fit, and parameters in groups. */
export const gradientCalls: CallTable = {
  'AdamW of groups': {
    run: (params, settings) => new ops.AdamW(params, settings).dispose(),
    args: [list(options({ params: weights, ...rates }, ['params'])), adamW],
  },
  'clipGradNorm of gradients': {
    run: (w, grad) => {
      ops.asParameter(w).grad = grad;
      try {
        return ops.clipGradNorm({ w }, 1);
      } finally {
        w.grad = null;
      }
    },
    args: [{ good: tensorOf([2, 3]).good, wrong: {} }, nullable(without(tensorOf([2, 3]), 'nothing'))],
  },
};

const isTensor = (x: unknown): x is ops.Tensor => x instanceof ops.Tensor;

const isRecordOf = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

const isRecord = (value: unknown): value is Parameters =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  Object.values(value).every((x) => isTensor(x) && !x.isDisposed);
