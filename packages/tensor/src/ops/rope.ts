import type { RopeOptions as BackendRopeOptions } from '../backends/backend.ts';
import { ropeKernels } from '../backends/families.ts';
import { record } from '../core/autograd.ts';
import { ShapeError } from '../core/errors.ts';
import { tidy } from '../core/scope.ts';
import { allocateTensor, type Tensor } from '../core/tensor.ts';
import {
  checkedLater,
  checkOptions,
  flag,
  listOfNumbers,
  type OptionChecks,
  orNull,
  positive,
  whole,
} from '../core/value-checks.ts';
import { checkOperands, floatOnly, integersOnly, rankIs, shapeIs } from './checks.ts';
import { resultMemory } from './result-memory.ts';
import { contiguous } from './views.ts';

export interface RopeOptions {
  /** Base of the frequencies; 10000 by default. */
  readonly theta?: number;
  /** Radians a position of each pair, `rotaryDim / 2` numbers: a scaled rotation. Powers of theta by default. */
  readonly frequencies?: readonly number[] | null;
  /** Leading components of D that are rotated; even, D by default. */
  readonly rotaryDim?: number;
  /** Pairs (2i, 2i+1) instead of (i, i + rotaryDim/2). */
  readonly interleaved?: boolean;
  /** Memory for the result, of x's size: a depth slot. New by default. */
  readonly into?: Tensor | null;
}

export const ROPE_OPTIONS: OptionChecks<RopeOptions> = {
  theta: positive,
  frequencies: orNull(listOfNumbers),
  rotaryDim: whole(),
  interleaved: flag,
  into: checkedLater,
};

/**
 * Rotary position embedding (Su et al., 2021): pair i of each head is rotated by `position * theta^(-2i/rotaryDim)`,
 * or by `position * frequencies[i]`.
 *
 * @param x `[B, T, H, D]`
 * @param positions i32 or u32 `[B, T]`
 * @throws ShapeError | DTypeError | DeviceError | ConfigError
 */
export function rope(x: Tensor, positions: Tensor, options: RopeOptions = {}): Tensor {
  return tidy(() => {
    checkOptions('rope', options, ROPE_OPTIONS);
    checkOperands('rope', { x, positions }, { into: options.into });
    const rotation = rotationOf('rope', x, positions, options);
    const source = contiguous(x);
    const out = resultMemory('rope', x.device, x.shape, x.dtype, options.into);
    ropeKernels.on(x.device.backend).rope(source.view, contiguous(positions).view, out.view, rotation);
    record([out], [source], [contiguous(positions)], ([dOut], [where]) => [rotateBack(dOut!, where, rotation)]);
    return out;
  });
}

/** How x is rotated at `positions`, for tensors and options of a kind that are checked. @throws ShapeError | DTypeError */
export function rotationOf(
  operation: string,
  x: Tensor,
  positions: Tensor,
  options: Omit<RopeOptions, 'into'>,
): BackendRopeOptions {
  integersOnly(operation, 'positions', positions);
  floatOnly(operation, x);
  rankIs(operation, 'x', x, '[B, T, H, D]');
  const [B, T, , D] = x.shape;
  shapeIs(operation, 'positions', positions.shape, [B, T], '[B, T]');
  const { theta = 10000, frequencies = null, rotaryDim = D, interleaved = false } = options;
  if (rotaryDim % 2 !== 0 || rotaryDim > D) {
    throw new ShapeError(`${operation}: rotaryDim must be even and at most D=${D}, got ${rotaryDim}.`, {
      rotaryDim,
      D,
    });
  }
  return { theta, ...ownFrequencies(operation, rotaryDim, frequencies), rotaryDim, interleaved, inverse: false };
}

/** @throws ShapeError unless there is one frequency for each pair */
export function ownFrequencies(
  operation: string,
  rotaryDim: number,
  frequencies: readonly number[] | null | undefined,
): { readonly frequencies?: readonly number[] } {
  if (!frequencies) return {};
  if (2 * frequencies.length === rotaryDim) return { frequencies };
  throw new ShapeError(
    `${operation}: frequencies must hold one number for each of ${rotaryDim / 2} pairs, got ${frequencies.length}.`,
    { rotaryDim, frequencies: frequencies.length },
  );
}

/** The gradient of a rotation. */
export function rotateBack(dOut: Tensor, positions: Tensor, rotation: BackendRopeOptions): Tensor {
  const dx = allocateTensor(dOut.device, dOut.shape, dOut.dtype);
  ropeKernels
    .on(dOut.device.backend)
    .rope(contiguous(dOut).view, positions.view, dx.view, { ...rotation, inverse: true });
  return dx;
}
