import type { FusedRope, RopeNorm } from '../backends/fused-rope.ts';
import { record } from '../core/autograd.ts';
import { ShapeError } from '../core/errors.ts';
import { parameterSum } from '../core/gradient-memory.ts';
import { tidy } from '../core/scope.ts';
import { formatShape } from '../core/shape.ts';
import { allocateTensor, type Tensor } from '../core/tensor.ts';
import {
  checkedLater,
  checkOptions,
  flag,
  listOfNumbers,
  notNegative,
  type OptionChecks,
  optionsThat,
  orNull,
  positive,
} from '../core/value-checks.ts';
import { checkOperands, floatOnly, integersOnly, sameDType, shapeIs } from './checks.ts';
import { rmsNormRope } from './fused-normalization.ts';
import { checkResultMemory, resultMemory } from './result-memory.ts';
import { ownFrequencies, rope } from './rope.ts';
import { contiguous, reshape, split } from './views.ts';

export interface KeyValuesOptions {
  /** RMS norm of the keys before they turn; none by default. `weight` as for `rmsNormRope`. */
  readonly norm?: { readonly weight: Tensor | null; readonly eps?: number; readonly full?: boolean } | null;
  /** Base of the frequencies; 10000 by default. */
  readonly theta?: number;
  /** Radians a position of each pair, D / 2 numbers. Powers of theta by default. */
  readonly frequencies?: readonly number[] | null;
  /** Pairs (2i, 2i+1) instead of (i, i + D/2). */
  readonly interleaved?: boolean;
  /** Memory for the results: a depth slot. New by default. */
  readonly into?: { readonly k: Tensor; readonly v: Tensor } | null;
}

const KEY_VALUES_OPTIONS: OptionChecks<KeyValuesOptions> = {
  norm: orNull(
    optionsThat<NonNullable<KeyValuesOptions['norm']>>({ weight: checkedLater, eps: notNegative, full: flag }),
  ),
  theta: positive,
  frequencies: orNull(listOfNumbers),
  interleaved: flag,
  into: orNull(optionsThat<NonNullable<KeyValuesOptions['into']>>({ k: checkedLater, v: checkedLater }, ['k', 'v'])),
};

/** Keys and values `[B, T, Hkv, D]`. */
export interface KeyValues {
  readonly k: Tensor;
  readonly v: Tensor;
}

/**
 * Keys and values from one projection: `k = rope(rmsNorm(both[:, :, 0]), positions)`, `v = both[:, :, 1]`.
 * One pass each way where the device has one; else `v` may be a view.
 *
 * @param both `[B, T, 2, Hkv, D]`
 * @param positions i32 or u32 `[B, T]`
 * @throws ShapeError | DTypeError
 */
export function keyValues(both: Tensor, positions: Tensor, options: KeyValuesOptions = {}): KeyValues {
  return tidy(() => {
    checkOptions('keyValues', options, KEY_VALUES_OPTIONS);
    const { norm = null, into = null } = options;
    const device = checkOperands(
      'keyValues',
      into ? { both, positions, 'into.k': into.k, 'into.v': into.v } : { both, positions },
      { 'norm.weight': norm?.weight },
    );
    integersOnly('keyValues', 'positions', positions);
    floatOnly('keyValues', both);
    sameDType('keyValues', both, norm?.weight);
    if (both.rank !== 5 || both.shape[2] !== 2 || both.shape[4] % 2 !== 0) {
      throw new ShapeError(
        `keyValues: both must be [B, T, 2, Hkv, D] with an even D, got ${formatShape(both.shape)}. Put keys first, pad the heads.`,
        { both: both.shape },
      );
    }
    const [B, T, , H, D] = both.shape;
    shapeIs('keyValues', 'positions', positions.shape, [B, T], '[B, T]');
    if (norm?.weight) shapeIs('keyValues', 'weight', norm.weight.shape, [norm.full ? H * D : D], 'as rmsNormRope asks');
    for (const memory of into ? [into.k, into.v] : []) {
      checkResultMemory('keyValues', device, [B, T, H, D], both.dtype, memory);
    }
    const { fusedRope } = device.backend;
    const isOneStorage = into !== null && into.k.storage === into.v.storage;
    if (fusedRope === null || isOneStorage) return fromParts(both, positions, options);
    return inOnePass(fusedRope, contiguous(both), contiguous(positions), options);
  });
}

/** The same of smaller operators. */
function fromParts(both: Tensor, positions: Tensor, options: KeyValuesOptions): KeyValues {
  const { norm = null, theta, frequencies, interleaved, into = null } = options;
  const [B, T, , H, D] = both.shape;
  const [first, second] = split(both, [1, 1], 2);
  const keys = reshape(first, [B, T, H, D]);
  const turn = { theta, frequencies, interleaved, into: into?.k };
  const k = norm
    ? rmsNormRope(keys, norm.weight, positions, { ...turn, eps: norm.eps, full: norm.full })
    : rope(keys, positions, turn);
  return { k, v: reshape(second, [B, T, H, D]) };
}

function inOnePass(fused: FusedRope, both: Tensor, positions: Tensor, options: KeyValuesOptions): KeyValues {
  const { norm = null, theta = 10000, interleaved = false, into = null } = options;
  const { device, dtype } = both;
  const [B, T, , H, D] = both.shape;
  const shape = [B, T, H, D];
  const k = resultMemory('keyValues', device, shape, dtype, into?.k);
  const v = resultMemory('keyValues', device, shape, dtype, into?.v);
  const full = norm?.full ?? false;
  const rstd = norm && allocateTensor(device, [full ? B * T : B * T * H], 'f32');
  const own = ownFrequencies('keyValues', D, options.frequencies);
  const turn = { theta, ...own, rotaryDim: D, interleaved, inverse: false };
  const normOf = (weight: Tensor | null, statistics: Tensor): RopeNorm => ({
    full,
    eps: norm?.eps ?? 1e-6,
    weight: weight?.view ?? null,
    rstd: statistics.view,
  });
  const forward = { positions: positions.view, rope: turn, norm: rstd && normOf(norm?.weight ?? null, rstd) };
  fused.keyValues({ ...forward, both: both.view }, k.view, v.view);
  const whole = both.shape;
  const weight = norm?.weight ?? null;
  record(
    [k, v],
    [both, weight],
    [positions, ...(rstd ? [both, rstd] : []), ...(weight ? [weight] : [])],
    ([dk, dv], [sPositions, sBoth, sRstd, sWeight], _needs, inputs) => {
      const [gradientK, gradientV] = [dk, dv].map((gradient) => dense(gradient, device, shape, dtype));
      const dBoth = allocateTensor(device, whole, dtype);
      const sum = sWeight ? parameterSum(inputs[1], sWeight) : null;
      fused.keyValueGradients(
        {
          both: sBoth?.view ?? null,
          positions: sPositions.view,
          rope: turn,
          norm: sRstd ? normOf(sWeight ?? null, sRstd) : null,
        },
        gradientK.view,
        gradientV.view,
        dBoth.view,
        sum?.tensor.view ?? null,
        sum?.accumulate ?? false,
      );
      return [dBoth, sum?.tensor ?? null];
    },
  );
  return { k, v };
}

/** A gradient, row-major; zeros where none came. */
function dense(
  gradient: Tensor | null,
  device: Tensor['device'],
  shape: readonly number[],
  dtype: Tensor['dtype'],
): Tensor {
  if (gradient) return contiguous(gradient);
  const zero = allocateTensor(device, shape, dtype);
  device.backend.fill(zero.view, 0);
  return zero;
}
