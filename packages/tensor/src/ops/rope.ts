import type { RopeOptions as BackendRopeOptions } from '../backends/backend.ts';
import { record } from '../core/autograd.ts';
import { ShapeError } from '../core/errors.ts';
import { tidy } from '../core/scope.ts';
import { allocateTensor, type Tensor } from '../core/tensor.ts';
import { floatOnly, rankIs, sameDevice, shapeIs } from './checks.ts';
import { resultMemory } from './result-memory.ts';
import { contiguous } from './views.ts';

export interface RopeOptions {
  /** Base of the frequencies; 10000 by default. */
  readonly theta?: number;
  /** Leading components of D that rotate; even, D by default. */
  readonly rotaryDim?: number;
  /** Pairs (2i, 2i+1) instead of (i, i + rotaryDim/2). */
  readonly interleaved?: boolean;
  /** Memory for the result, of x's size: a depth slot. New by default. */
  readonly into?: Tensor | null;
}

/**
 * Rotary position embedding (Su et al., 2021): pair i of each head turns by `position * theta^(-2i/rotaryDim)`.
 *
 * @param x `[B, T, H, D]`
 * @param positions i32 `[B, T]`
 * @throws ShapeError
 */
export function rope(x: Tensor, positions: Tensor, options: RopeOptions = {}): Tensor {
  return tidy(() => {
    sameDevice('rope', x, positions);
    floatOnly('rope', x);
    rankIs('rope', 'x', x, '[B, T, H, D]');
    const [B, T, , D] = x.shape;
    shapeIs('rope', 'positions', positions.shape, [B, T], '[B, T]');
    const { theta = 10000, rotaryDim = D, interleaved = false, into } = options;
    if (rotaryDim % 2 !== 0 || rotaryDim > D || rotaryDim < 0) {
      throw new ShapeError(`rope: rotaryDim must be even and at most D=${D}, got ${rotaryDim}.`, { rotaryDim, D });
    }
    const source = contiguous(x);
    const out = resultMemory('rope', x.device, x.shape, x.dtype, into);
    const turn = { theta, rotaryDim, interleaved };
    x.device.backend.rope(source.view, contiguous(positions).view, out.view, { ...turn, inverse: false });
    record([out], [source], [contiguous(positions)], ([dOut], [where]) => [
      rotate(contiguous(dOut!), where, { ...turn, inverse: true }),
    ]);
    return out;
  });
}

function rotate(x: Tensor, positions: Tensor, options: BackendRopeOptions): Tensor {
  const out = allocateTensor(x.device, x.shape, x.dtype);
  x.device.backend.rope(x.view, positions.view, out.view, options);
  return out;
}
