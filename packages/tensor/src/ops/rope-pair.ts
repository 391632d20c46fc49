import { record } from '../core/autograd.ts';
import { ShapeError } from '../core/errors.ts';
import { tidy } from '../core/scope.ts';
import { allocateTensor, type Tensor } from '../core/tensor.ts';
import { checkedLater, checkOptions, type OptionChecks, optionsThat } from '../core/value-checks.ts';
import { ropePair as pattern } from '../lower/decompositions.ts';
import { lower } from '../lower/lower.ts';
import { checkOperands, sameDType } from './checks.ts';
import { resultMemory } from './result-memory.ts';
import { ROPE_OPTIONS, type RopeOptions, rotateBack, rotationOf } from './rope.ts';
import { contiguous } from './views.ts';

/** Queries `[B, T, H, D]` and keys `[B, T, Hkv, D]`. */
export interface QueriesAndKeys {
  readonly q: Tensor;
  readonly k: Tensor;
}

export interface RopePairOptions extends Omit<RopeOptions, 'into'> {
  /** Memory for the results, of q's and of k's size; new where there is none. */
  readonly into?: { readonly q?: Tensor | null; readonly k?: Tensor | null };
}

const ROPE_PAIR_OPTIONS: OptionChecks<RopePairOptions> = {
  ...ROPE_OPTIONS,
  into: optionsThat<NonNullable<RopePairOptions['into']>>({ q: checkedLater, k: checkedLater }),
};

/**
 * Queries and keys rotated at the same positions: `rope` of both, in one pass each way where the device has one.
 *
 * @param q `[B, T, H, D]`
 * @param k `[B, T, Hkv, D]`
 * @param positions i32 or u32 `[B, T]`
 * @throws ShapeError | DTypeError
 */
export function ropePair(q: Tensor, k: Tensor, positions: Tensor, options: RopePairOptions = {}): QueriesAndKeys {
  return tidy(() => {
    checkOptions('ropePair', options, ROPE_PAIR_OPTIONS);
    const { into = {}, ...given } = options;
    const device = checkOperands('ropePair', { q, k, positions }, { 'into.q': into.q, 'into.k': into.k });
    const dtype = sameDType('ropePair', q, k);
    const rotation = rotationOf('ropePair', q, positions, given);
    rotationOf('ropePair', k, positions, given);
    if (q.shape[3] !== k.shape[3]) {
      throw new ShapeError(
        `ropePair: q and k must have the same D, got D=${q.shape[3]} and D=${k.shape[3]}. Use rope() for each.`,
        { q: q.shape, k: k.shape },
      );
    }
    const sources = [contiguous(q), contiguous(k)];
    const where = contiguous(positions);
    const outQ = resultMemory('ropePair', device, q.shape, dtype, into.q);
    const outK = resultMemory('ropePair', device, k.shape, dtype, into.k);
    const [first, second] = sources.map(({ view }) => view);
    lower(device.backend, pattern, {
      q: first,
      k: second,
      positions: where.view,
      outQ: outQ.view,
      outK: outK.view,
      rope: rotation,
    });
    record([outQ, outK], sources, [where], (gradients, [at], needs) => {
      const [dq, dk] = [0, 1].map((i) => (needs[i] && gradients[i]) || null);
      if (!dq || !dk) return [dq && rotateBack(dq, at, rotation), dk && rotateBack(dk, at, rotation)];
      const [dx, dy] = [dq, dk].map(({ shape }) => allocateTensor(device, shape, dtype));
      lower(device.backend, pattern, {
        q: contiguous(dq).view,
        k: contiguous(dk).view,
        positions: at.view,
        outQ: dx.view,
        outK: dy.view,
        rope: { ...rotation, inverse: true },
      });
      return [dx, dy];
    });
    return { q: outQ, k: outK };
  });
}
