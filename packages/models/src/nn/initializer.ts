import {
  abs,
  affine,
  ConfigError,
  type CreationOptions,
  clamp,
  concat,
  greater,
  matmul,
  mul,
  nearestKey,
  noGrad,
  ones,
  randomNormal,
  randomUniform,
  rsqrt,
  ShapeError,
  shown,
  slice,
  sub,
  sum,
  type Tensor,
  tidy,
  transpose,
  unknownName,
  where,
  zeros,
} from '@modajs/tensor';
import { wholeNumber } from '@modajs/tensor/checks';

/** First values of a parameter. `fanIn` and `fanOut` are inputs and outputs of a matrix `[outputs, inputs]`. */
export type Initializer =
  | { readonly kind: 'zeros' }
  | { readonly kind: 'ones' }
  /** Normal, mean 0; `std` 1 by default. */
  | { readonly kind: 'normal'; readonly std?: number }
  /** Normal, drawn again beyond two of its standard deviations. */
  | { readonly kind: 'truncated-normal'; readonly std?: number }
  /** Variance `2 / (fanIn + fanOut)` (Glorot and Bengio 2010). */
  | { readonly kind: 'xavier-uniform' }
  | { readonly kind: 'xavier-normal' }
  /** Variance `2 / fanIn` (He et al., arXiv 1502.01852). */
  | { readonly kind: 'kaiming-uniform' }
  | { readonly kind: 'kaiming-normal' }
  /** Orthonormal rows, or columns where there are fewer of them (Saxe et al., arXiv 1312.6120). */
  | { readonly kind: 'orthogonal' };

/** Name of an initialiser. */
export type InitializerKind = Initializer['kind'];

const kinds: readonly InitializerKind[] = [
  'zeros',
  'ones',
  'normal',
  'truncated-normal',
  'xavier-uniform',
  'xavier-normal',
  'kaiming-uniform',
  'kaiming-normal',
  'orthogonal',
];

/** Where and from which seed values are made. */
export interface InitializeOptions extends CreationOptions {
  /** 0 to 2^32 - 1. The same seed, shape and initialiser give the same values on every device, up to rounding. */
  readonly seed: number;
}

/** Draws of a truncated normal before what is still outside is cut: of a billion values less than one. */
const REDRAWS = 7;

/**
 * A tensor of first values.
 *
 * @throws ConfigError for an unknown initialiser (with the nearest) or a `std` that is not above 0; ShapeError when it needs a matrix
 */
export function initialize(
  shape: readonly number[],
  given: InitializerKind | Initializer,
  options: InitializeOptions,
): Tensor {
  const initializer = checked(given);
  wholeNumber('initialize', 'seed', options.seed, 0, 2 ** 32 - 1);
  return tidy(() => noGrad(() => values(shape, initializer, options)));
}

function checked(given: InitializerKind | Initializer): Initializer {
  const initializer = typeof given === 'string' ? ({ kind: given } as Initializer) : given;
  const kind: unknown = initializer?.kind;
  if (typeof kind !== 'string' || !kinds.includes(kind as InitializerKind)) {
    const nearest = typeof kind === 'string' ? nearestKey(kind, kinds) : null;
    const cure = nearest ? `Did you mean ${nearest}?` : 'Choose one of them.';
    throw new ConfigError(`initialize: the kind must be one of ${kinds.join(', ')}, got ${shown(kind)}. ${cure}`, {
      kind,
    });
  }
  const { std = 1 } = initializer as { readonly std?: unknown };
  if (typeof std !== 'number' || !(std > 0 && std < Infinity)) {
    throw new ConfigError(`initialize: std must be a number > 0, got ${shown(std)}. Use zeros for none.`, { std });
  }
  return initializer;
}

function values(shape: readonly number[], initializer: Initializer, options: InitializeOptions): Tensor {
  const { seed, ...place } = options;
  switch (initializer.kind) {
    case 'zeros':
      return zeros(shape, place);
    case 'ones':
      return ones(shape, place);
    case 'normal':
      return randomNormal(shape, { ...options, std: initializer.std ?? 1 });
    case 'truncated-normal':
      return affine(truncated(shape, options), initializer.std ?? 1, 0);
    case 'xavier-uniform':
      return uniform(shape, 2 / sumOfFans(shape), options);
    case 'xavier-normal':
      return randomNormal(shape, { ...options, std: Math.sqrt(2 / sumOfFans(shape)) });
    case 'kaiming-uniform':
      return uniform(shape, 2 / fans(shape).fanIn, options);
    case 'kaiming-normal':
      return randomNormal(shape, { ...options, std: Math.sqrt(2 / fans(shape).fanIn) });
    case 'orthogonal':
      return orthogonal(shape, options);
    default:
      return unknownName('initializer', initializer);
  }
}

function fans(shape: readonly number[]): { readonly fanIn: number; readonly fanOut: number } {
  if (shape.length === 2) return { fanIn: shape[1], fanOut: shape[0] };
  throw new ShapeError(
    `initialize: this initialiser needs a matrix [outputs, inputs], got [${shape}]. Use normal or truncated-normal.`,
    { shape },
  );
}

function sumOfFans(shape: readonly number[]): number {
  const { fanIn, fanOut } = fans(shape);
  return fanIn + fanOut;
}

/** Uniform around 0 with that variance. */
function uniform(shape: readonly number[], variance: number, options: InitializeOptions): Tensor {
  const bound = Math.sqrt(3 * variance);
  return affine(randomUniform(shape, options), 2 * bound, -bound);
}

function truncated(shape: readonly number[], options: InitializeOptions): Tensor {
  let found = randomNormal(shape, options);
  for (let draw = 1; draw <= REDRAWS; draw++) {
    // Seeds end at 2^32: these belong to no other parameter.
    const again = randomNormal(shape, { ...options, seed: options.seed + draw * 2 ** 32 });
    found = where(greater(abs(found), 2), again, found);
  }
  return clamp(found, -2, 2);
}

/** Gram-Schmidt over the rows of a normal matrix, each step taken twice: once leaves f32's rounding, which grows with the rows. */
function orthogonal(shape: readonly number[], options: InitializeOptions): Tensor {
  const { fanIn, fanOut } = fans(shape);
  const [rows, columns] = [Math.min(fanIn, fanOut), Math.max(fanIn, fanOut)];
  const start = randomNormal([rows, columns], options);
  let basis: Tensor | null = null;
  for (let row = 0; row < rows; row++) {
    let direction = slice(start, [row, 0], [row + 1, columns]);
    for (let pass = 0; pass < 2 && basis !== null; pass++) {
      direction = sub(direction, matmul(matmul(direction, transpose(basis)), basis));
    }
    const unit = mul(direction, rsqrt(sum(mul(direction, direction), { axes: [1], keepDims: true })));
    basis = basis === null ? unit : concat([basis, unit], 0);
  }
  return fanOut <= fanIn ? basis! : transpose(basis!);
}
