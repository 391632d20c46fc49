import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as ops from '../index.ts';
import { type Device, type DType, DTypeError, init, ones, type Tensor } from '../index.ts';
import { NUMBERS, type OperatorClass, PROMOTIONS, type Promotion } from './promotion.ts';

const DTYPES = Object.keys(PROMOTIONS.arithmetic) as DType[];
const { add, sub, mul, div, pow, maximum, minimum, equal, notEqual, less, lessEqual, greater, greaterEqual } = ops;

type Pair = (a: Tensor, b: Tensor) => Tensor;

/** The first row of a matrix. */
const row = (x: Tensor): Tensor => ops.at(x, 0);

/** Operators of two tensors `[2, 2]`, by class. */
const PAIRS: Readonly<Record<OperatorClass, Readonly<Record<string, Pair>>>> = {
  arithmetic: {
    add,
    sub,
    mul,
    div,
    pow,
    maximum,
    minimum,
    equal,
    notEqual,
    less,
    lessEqual,
    greater,
    greaterEqual,
    where: (a, b) => ops.where(a, a, b),
    concat: (a, b) => ops.concat([a, b], 0),
    stack: (a, b) => ops.stack([a, b], 0),
    scatterAdd: (a, b) => ops.scatterAdd(a, 0, [0, 1], b),
  },
  real: {
    swiglu: ops.swiglu,
    matmul: (a, b) => ops.matmul(a, b),
    linear: (a, b) => ops.linear(a, b),
    einsum: (a, b) => ops.einsum('ij,jk->ik', a, b),
    rmsNorm: (a, b) => ops.rmsNorm(a, row(b)),
    layerNorm: (a, b) => ops.layerNorm(a, row(b), null),
    addRmsNorm: (a, b) => ops.addRmsNorm(a, b, null).out,
  },
};

/** Operators of one tensor, which have the entry of a dtype with itself. */
const SINGLES: Readonly<Record<OperatorClass, Readonly<Record<string, (x: Tensor) => Tensor>>>> = {
  arithmetic: {
    neg: ops.neg,
    abs: ops.abs,
    sign: ops.sign,
    square: ops.square,
    sum: ops.sum,
    max: ops.max,
    min: ops.min,
    affine: (x) => ops.affine(x, 2, 1),
    clamp: (x) => ops.clamp(x, 0, 1),
    flip: (x) => ops.flip(x),
    take: (x) => ops.take(x, [0], 0),
    sort: (x) => ops.sort(x).values,
    where: (x) => ops.where(ones([2, 2], { dtype: 'u32' }), x, 0),
  },
  real: {
    exp: ops.exp,
    log: ops.log,
    sqrt: ops.sqrt,
    rsqrt: ops.rsqrt,
    reciprocal: ops.reciprocal,
    sin: ops.sin,
    cos: ops.cos,
    tanh: ops.tanh,
    sigmoid: ops.sigmoid,
    relu: ops.relu,
    silu: ops.silu,
    gelu: ops.gelu,
    geluErf: ops.geluErf,
    floor: ops.floor,
    notFinite: ops.notFinite,
    mean: ops.mean,
    variance: ops.variance,
    std: ops.std,
    norm: ops.norm,
    logsumexp: ops.logsumexp,
    softmax: (x) => ops.softmax(x),
    logSoftmax: (x) => ops.logSoftmax(x),
    cumsum: (x) => ops.cumsum(x),
    dropout: (x) => ops.dropout(x, 0.5, { seed: 1 }),
    softcap: (x) => ops.softcap(x, 2),
  },
};

function expectPromotion(run: () => Tensor, promotion: Promotion): void {
  if ('result' in promotion) expect(run().dtype).toBe(promotion.result);
  else {
    expect(run).toThrow(DTypeError);
    expect(run).toThrow(new RegExp(`cast\\(\\w+, '${promotion.cast}'\\)`));
  }
}

describe.each(['reference', 'cpu'] as const)('promotion [%s]', (kind) => {
  let device: Device;
  beforeAll(async () => {
    device = await init({ device: kind });
  });
  afterAll(() => device.destroy());

  const classes = Object.keys(PROMOTIONS) as OperatorClass[];
  const pairs = classes.flatMap((of) => Object.keys(PAIRS[of]).map((name) => ({ of, name })));
  const singles = classes.flatMap((of) => Object.keys(SINGLES[of]).map((name) => ({ of, name })));

  it.each(pairs)('$name of every two dtypes is as the table of $of says', ({ of, name }) => {
    for (const a of DTYPES) {
      for (const b of DTYPES) {
        const run = (): Tensor => PAIRS[of][name](ones([2, 2], { dtype: a }), ones([2, 2], { dtype: b }));
        expectPromotion(run, PROMOTIONS[of][a][b]);
      }
    }
  });

  it.each(singles)('$name of every dtype is as the table of $of says', ({ of, name }) => {
    for (const dtype of DTYPES) {
      expectPromotion(() => SINGLES[of][name](ones([2, 2], { dtype })), PROMOTIONS[of][dtype][dtype]);
    }
  });

  it.each(Object.entries({ add, sub, mul, div, pow, maximum, minimum, equal, less, greaterEqual }))(
    '%s of every dtype and a number, on either side, is as the table of numbers says',
    (_, run) => {
      for (const dtype of DTYPES) {
        const x = ones([2], { dtype });
        for (const [number, of] of [
          [3, 'whole'],
          [0.5, 'fraction'],
        ] as const) {
          expectPromotion(() => run(x, number), NUMBERS[dtype][of]);
          expectPromotion(() => run(number, x), NUMBERS[dtype][of]);
        }
      }
    },
  );
});

it('the README prints the table', () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  const cell = (made: Promotion): string => ('result' in made ? `${made.result}` : `*${made.cast}*`);
  for (const a of DTYPES) {
    const own = [...DTYPES.map((b) => PROMOTIONS.arithmetic[a][b]), NUMBERS[a].whole, NUMBERS[a].fraction];
    expect(readme).toContain(`| \`${a}\` | ${own.map(cell).join(' | ')} |`);
  }
});
