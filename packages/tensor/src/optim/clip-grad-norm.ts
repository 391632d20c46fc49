import { sumSquaresKernels } from '../backends/families.ts';
import { noGrad } from '../core/autograd.ts';
import { ShapeError } from '../core/errors.ts';
import { mergeRuns } from '../core/packed.ts';
import { currentScope, tidy } from '../core/scope.ts';
import { allocateTensor, type Tensor } from '../core/tensor.ts';
import { numberThat, positive } from '../core/value-checks.ts';
import { full, onesLike } from '../ops/creation.ts';
import { div, minimum, where } from '../ops/elementwise.ts';
import { affine, notFinite, sqrt } from '../ops/unary.ts';
import type { NamedTensors } from './optimizer.ts';
import { checkGradients, checkNamedTensors } from './optimizer-checks.ts';

export interface ClippedGradients {
  /** f32 scalar: the Euclidean norm of all gradients together, after `scale`. */
  readonly norm: Tensor;
  /** f32 scalar for `AdamW.step({ gradScale })`: `scale * min(1, maxNorm / norm)`; NaN or Inf when a gradient is. */
  readonly gradScale: Tensor;
}

/**
 * Global-norm clipping without a readback: the factor stays on the device and the optimiser applies it. Both scalars belong to
 * the scope around the call; where there is none, to the next call for the same parameters, which frees them: a loop without
 * scopes keeps no more memory than its first step.
 *
 * @param maxNorm Infinity for no clipping
 * @param scale what the gradients must be multiplied with to be true: 1 / loss scale
 * @throws ShapeError when no parameter has a gradient; ConfigError | DTypeError | DeviceError
 */
export function clipGradNorm(params: NamedTensors, maxNorm: number, scale = 1): ClippedGradients {
  const device = checkNamedTensors('clipGradNorm', 'params', params);
  checkGradients('clipGradNorm', params, device);
  numberThat('clipGradNorm', 'maxNorm', maxNorm, 'a number > 0, Infinity for no clipping', (value) => value > 0);
  positive('clipGradNorm', 'scale', scale);
  const gradients = Object.values(params).flatMap(({ grad }) => (grad === null ? [] : [grad]));
  if (gradients.length === 0)
    throw new ShapeError('clipGradNorm: at least one parameter must have a gradient, got none. Run backward() first.');
  const clipped = noGrad(() =>
    tidy(() => {
      const squares = allocateTensor(device, [], 'f32');
      const views = gradients.map((gradient) => gradient.view);
      const { lists } = mergeRuns(
        [views],
        views.map(() => null),
      );
      sumSquaresKernels.on(device.backend).sumSquares(lists[0], squares.view);
      const norm = affine(sqrt(squares), scale, 0);
      const limit = div(
        full([], maxNorm === Infinity ? 1 : maxNorm, { device }),
        maxNorm === Infinity ? onesLike(norm) : affine(norm, 1, 1e-6),
      );
      const clipped = affine(minimum(limit, 1), scale, 0);
      // minimum() may drop a NaN, so a broken gradient is tested for and breaks the factor: the optimiser then skips the step.
      return { norm, gradScale: where(notFinite(norm), full([], Number.NaN, { device }), clipped) };
    }),
  );
  if (currentScope() === null) replaceUnowned(Object.values(params)[0], clipped);
  return clipped;
}

/** Scalars that no scope owns, by the first parameter they are of. */
const unowned = new WeakMap<Tensor, ClippedGradients>();

function replaceUnowned(first: Tensor, clipped: ClippedGradients): void {
  const last = unowned.get(first);
  last?.norm.dispose();
  last?.gradScale.dispose();
  unowned.set(first, clipped);
}
