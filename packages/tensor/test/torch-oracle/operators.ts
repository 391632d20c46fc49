import * as t from '../../src/index.ts';
import type { Parameters } from './cases.ts';
import { valuesOf } from './values.ts';

type Tensor = t.Tensor;
type Run = (p: Parameters, ...inputs: Tensor[]) => Tensor | readonly Tensor[];
type Operand = Tensor | number;
type Binary = (a: Operand, b: Operand) => Tensor;

const one =
  (run: (x: Tensor) => Tensor): Run =>
  (_, x) =>
    run(x);
const two =
  (run: Binary): Run =>
  (_, a, b) =>
    run(a, b);
const withNumber =
  (run: Binary): Run =>
  ({ value, first }, x) =>
    first ? run(value, x) : run(x, value);
const reduced =
  (run: (x: Tensor, options: t.ReduceOptions) => Tensor): Run =>
  ({ axes, keepDims }, x) =>
    run(x, axes === null ? { keepDims } : { axes, keepDims });
/** Comparisons of u32 count in u32 here and in i32 in the cases: 0 and 1 are the same in both. */
const arithmetic: Readonly<Record<string, Binary>> = {
  add: t.add,
  sub: t.sub,
  mul: t.mul,
  div: t.div,
  pow: t.pow,
  maximum: t.maximum,
  minimum: t.minimum,
  equal: t.equal,
  notEqual: t.notEqual,
  less: t.less,
  lessEqual: t.lessEqual,
  greater: t.greater,
  greaterEqual: t.greaterEqual,
};
const unary = {
  neg: t.neg,
  abs: t.abs,
  sign: t.sign,
  floor: t.floor,
  exp: t.exp,
  log: t.log,
  sqrt: t.sqrt,
  rsqrt: t.rsqrt,
  reciprocal: t.reciprocal,
  square: t.square,
  sin: t.sin,
  cos: t.cos,
  tanh: t.tanh,
  sigmoid: t.sigmoid,
  relu: t.relu,
  silu: t.silu,
  gelu: t.gelu,
  geluErf: t.geluErf,
  notFinite: t.notFinite,
};

function each<Value>(
  values: Readonly<Record<string, Value>>,
  prefix: string,
  suffix: string,
  run: (value: Value) => Run,
) {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [`${prefix}${name}${suffix}`, run(value)]));
}

/** Weight and bias of a norm, where a case has them. */
function normParameters({ weight, bias }: Parameters, rest: readonly Tensor[]): [Tensor | null, Tensor | null] {
  return [weight ? rest[0] : null, bias ? rest[weight ? 1 : 0] : null];
}

function attend({ causal, window, docs, depth, chunk }: Parameters, ...inputs: Tensor[]): Tensor[] {
  const [q, k, v, depthK, depthV] = inputs;
  const { device } = q;
  const slots = depth ? t.slotTensors(depthK, depthV) : null;
  const docRange = docs ? t.tensor(docs, { dtype: 'i32', device }) : null;
  const { out, lse } = t.attentionPrimitive({ q, k, v, causal, window, docRange, depth: slots, chunk });
  slots?.release();
  return [out, lse];
}

function adamw({ lr, betas, eps, weightDecay, has }: Parameters, ...inputs: Tensor[]): Tensor[] {
  const params = inputs.map((x) => t.asParameter(x.detach()));
  const named = Object.fromEntries(params.map((x, n) => [`p${n}`, x]));
  using optimizer = new t.AdamW(named, { lr, betas, eps, weightDecay, noDecay: () => false });
  has.forEach((row: readonly boolean[], step: number) => {
    optimizer.zeroGrad();
    const wanted = params.filter((_, n) => row[n]);
    if (wanted.length > 0) {
      const weighted = params.flatMap((x, n) => {
        if (!row[n]) return [];
        const values = valuesOf('n', 8000 + 10 * step + n, x.size);
        return [t.sum(t.mul(x, t.tensor(Float32Array.from(values), { shape: x.shape, device: x.device })))];
      });
      t.backward(weighted.reduce((a, b) => t.add(a, b)));
    }
    optimizer.step();
  });
  const results = params.map((x) => t.contiguous(t.affine(x.detach(), 1, 0)));
  optimizer.zeroGrad();
  return results;
}

/** Every operator of the cases, by name. */
export const operators: Readonly<Record<string, Run>> = {
  ...each(unary, '', '', one),
  ...each(arithmetic, '', '', two),
  ...each({ neg: t.neg, abs: t.abs, sign: t.sign, square: t.square }, 'integer:', '', one),
  ...each(arithmetic, 'integer:', '', two),
  ...each(arithmetic, '', 'Number', withNumber),
  ...each(arithmetic, 'integer:', 'Number', withNumber),
  ...each(
    { sum: t.sum, mean: t.mean, variance: t.variance, max: t.max, min: t.min, sumSpecial: t.sum },
    '',
    '',
    reduced,
  ),
  ...each({ sum: t.sum, max: t.max, min: t.min }, 'integer:', '', reduced),
  clamp: ({ low, high }, x) => t.clamp(x, low, high),
  'integer:clamp': ({ low, high }, x) => t.clamp(x, low, high),
  affine: ({ scale, shift }, x) => t.affine(x, scale, shift),
  powScalar: ({ exponent }, x) => t.pow(x, exponent),
  where: (_, condition, a, b) => t.where(condition, a, b),
  swiglu: (_, gate, up) => t.swiglu(gate, up),
  cast: ({ dtype }, x) => t.cast(x, dtype),
  argmax: (_, x) => t.argmax(x),
  reshape: ({ shape }, x) => t.reshape(x, shape),
  transpose: ({ axes }, x) => t.transpose(x, axes),
  slice: ({ starts, ends }, x) => t.slice(x, starts, ends),
  broadcastTo: ({ shape }, x) => t.broadcastTo(x, shape),
  squeeze: (_, x) => t.squeeze(x),
  unsqueeze: ({ axis }, x) => t.unsqueeze(x, axis),
  contiguous: (_, x) => t.contiguous(x),
  concat: ({ axis }, ...xs) => t.concat(xs, axis),
  stack: ({ axis }, ...xs) => t.stack(xs, axis),
  split: ({ axis, sizes }, x) => t.split(x, sizes, axis),
  matmul: ({ transposeA, transposeB }, a, b, bias) =>
    t.matmul(a, b, bias ? { transposeA, transposeB, bias } : { transposeA, transposeB }),
  linear: (_, x, weight, bias) => t.linear(x, weight, bias),
  softmax: (_, x) => t.softmax(x),
  logSoftmax: (_, x) => t.logSoftmax(x),
  rmsNorm: (p, x, ...rest) => t.rmsNorm(x, normParameters(p, rest)[0], p['eps']),
  layerNorm: (p, x, ...rest) => t.layerNorm(x, ...normParameters(p, rest), p['eps']),
  addRmsNorm: (p, x, y, ...rest) => {
    const { sum, out } = t.addRmsNorm(x, y, normParameters(p, rest)[0], p['eps']);
    return [sum, out];
  },
  addLayerNorm: (p, x, y, ...rest) => {
    const { sum, out } = t.addLayerNorm(x, y, ...normParameters(p, rest), p['eps']);
    return [sum, out];
  },
  rope: ({ theta, rotaryDim, interleaved }, x, positions) => t.rope(x, positions, { theta, rotaryDim, interleaved }),
  rmsNormRope: ({ theta, interleaved, full }, x, positions, weight) =>
    t.rmsNormRope(x, weight ?? null, positions, { theta, interleaved, full }),
  embedding: (_, table, ids) => t.embedding(table, ids),
  gather: ({ axis }, x, index) => t.gather(x, index, axis),
  crossEntropy: ({ zLoss, ignoreIndex, reduction }, logits, targets) =>
    t.crossEntropy(logits, targets, { zLoss, ignoreIndex, reduction }),
  linearCrossEntropy: ({ zLoss, ignoreIndex, chunk }, x, weight, targets) =>
    t.linearCrossEntropy(x, weight, targets, chunk === null ? { zLoss, ignoreIndex } : { zLoss, ignoreIndex, chunk }),
  attention: attend,
  adamw,
};
