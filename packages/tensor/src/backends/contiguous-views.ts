import { contiguousStrides, isContiguous, sizeOf } from '../core/shape.ts';
import type { AttentionArguments, AttentionBackwardArguments } from './attention-arguments.ts';
import type { AdamWArguments, ArrayView, Backend, CompleteBackend } from './backend.ts';

/** Primitives whose leading arguments must be row-major, and which of them. Results are row-major already: operators allocate them. */
const ROW_MAJOR = {
  argmax: [0],
  argsort: [0],
  softmax: [0],
  softmaxBackward: [0, 1],
  rmsNorm: [0, 1],
  rmsNormBackward: [0, 1, 2, 3],
  layerNorm: [0, 1, 2],
  layerNormBackward: [0, 1, 2, 3, 4],
  rope: [0, 1],
  embedding: [0, 1],
  embeddingBackward: [0, 1],
  crossEntropy: [0, 1],
  crossEntropyBackward: [0, 1, 4, 5],
  gather: [0, 1],
  gatherBackward: [0, 1],
  dropout: [0],
  quantizedProduct: [0],
} as const satisfies { readonly [Name in keyof CompleteBackend]?: readonly number[] };

type Primitives = Pick<
  CompleteBackend,
  keyof typeof ROW_MAJOR | 'matmul' | 'attention' | 'attentionBackward' | 'sumSquares' | 'adamw'
>;
type Primitive = (...args: unknown[]) => void;

/** Row-major copies of the views of one call: made where a view needs one, given back after the call. */
class RowMajorCopies {
  readonly #copies: { readonly view: ArrayView; readonly copy: ArrayView }[] = [];

  constructor(readonly backend: Backend) {}

  readonly of = <View extends ArrayView | null | undefined>(view: View): View => {
    if (!view || isContiguous(view.shape, view.strides)) return view;
    const { shape, dtype } = view;
    const storage = this.backend.allocate(sizeOf(shape), dtype);
    const copy = { storage, dtype, shape, strides: contiguousStrides(shape), offset: 0 };
    this.backend.copy(view, copy);
    this.#copies.push({ view, copy });
    return copy as ArrayView as View;
  };

  readonly all = (views: readonly ArrayView[]): readonly ArrayView[] => views.map(this.of);

  /** Carries what a call wrote to copies back to the views they stand for. */
  writeBack(): void {
    for (const { view, copy } of this.#copies) this.backend.copy(copy, view);
  }

  release(): void {
    for (const { copy } of this.#copies) this.backend.release(copy.storage);
  }
}

/**
 * Makes a backend's primitives take strided views where their kernels need row-major ones: every such argument passes through
 * here, and is copied first when it is expanded, transposed or otherwise not row-major. `adamw` also carries the parameters and
 * moments back. Changes the backend itself, once.
 */
export function acceptStridedViews(backend: Backend): void {
  if (accepting.has(backend)) return;
  accepting.add(backend);
  /** Passes a primitive's arguments through `prepare` first; `isInPlace`: what it wrote to copies goes back to their views. */
  const wrap = <Name extends keyof Primitives>(
    name: Name,
    prepare: (copies: RowMajorCopies, ...args: Parameters<Primitives[Name]>) => unknown[],
    isInPlace = false,
  ): void => {
    const own: Partial<Primitives> = backend;
    const run = own[name]?.bind(backend) as Primitive | undefined;
    if (!run) return;
    const wrapped = (...args: Parameters<Primitives[Name]>): void => {
      const copies = new RowMajorCopies(backend);
      try {
        run(...prepare(copies, ...args));
        if (isInPlace) copies.writeBack();
      } finally {
        copies.release();
      }
    };
    Object.assign(backend, { [name]: wrapped });
  };
  for (const [name, places] of Object.entries(ROW_MAJOR) as [keyof typeof ROW_MAJOR, readonly number[]][]) {
    wrap(name, ({ of }, ...args: unknown[]) =>
      args.map((arg, place) => (places.includes(place) ? of(arg as ArrayView | null) : arg)),
    );
  }
  wrap('matmul', ({ of }, a, b, out, options) =>
    options?.bias ? [a, b, out, { ...options, bias: of(options.bias) }] : [a, b, out, options],
  );
  wrap('attention', (copies, args) => [attentionInputs(copies, args)]);
  wrap('attentionBackward', (copies, args) => [attentionGradientInputs(copies, args)]);
  wrap('sumSquares', ({ all }, arrays, out) => [all(arrays), out]);
  wrap('adamw', (copies, args) => [optimizerArrays(copies, args)], true);
}

const accepting = new WeakSet<Backend>();

function attentionInputs<Arguments extends AttentionArguments>({ of }: RowMajorCopies, args: Arguments): Arguments {
  return { ...args, q: of(args.q), k: of(args.k), v: of(args.v), docRange: of(args.docRange) };
}

function attentionGradientInputs(copies: RowMajorCopies, args: AttentionBackwardArguments): AttentionBackwardArguments {
  const { of } = copies;
  const { out, lse, dOut, dLse } = args;
  return { ...attentionInputs(copies, args), out: of(out), lse: of(lse), dOut: of(dOut), dLse: of(dLse) };
}

function optimizerArrays({ of, all }: RowMajorCopies, args: AdamWArguments): AdamWArguments {
  const { params, grads, m, v, gradScale } = args;
  return { ...args, params: all(params), grads: all(grads), m: all(m), v: all(v), gradScale: of(gradScale) };
}
