import {
  type AttentionInputs,
  type AttentionShape,
  attentionBackwardReference,
  attentionReference,
  type DepthReference,
  type Round,
} from '@modajs/cpu/reference';
import type { AttentionArguments, AttentionBackwardArguments, DepthArguments } from '../attention-arguments.ts';
import type { ArrayView } from '../backend.ts';
import { memoryOf } from './reference-storage.ts';

/** Stores values into a contiguous view with the rounding of its dtype. */
export type Store = (out: ArrayView, values: ArrayLike<number>) => void;

/** Runs the forward of the attention family on reference memory. */
export function runAttention(args: AttentionArguments, round: Round, store: Store): void {
  const { out, lse } = attentionReference(shapeOf(args), inputsOf(args), round);
  store(args.out, out);
  store(args.lse, lse);
}

/** Runs the backward: overwrites dq, dk, dv; adds to (or overwrites) the depth gradients. */
export function runAttentionBackward(args: AttentionBackwardArguments, round: Round, store: Store): void {
  const shape = shapeOf(args);
  const gradients = attentionBackwardReference(
    shape,
    {
      ...inputsOf(args),
      out: memoryOf(args.out),
      lse: memoryOf(args.lse),
      dOut: memoryOf(args.dOut),
      dLse: args.dLse && memoryOf(args.dLse),
    },
    round,
  );
  store(args.dq, gradients.dq);
  const put = (out: ArrayView, value: Float64Array, accumulate: boolean): void => {
    const previous = memoryOf(out);
    store(out, accumulate ? value.map((x, i) => round(previous[i] + x)) : value);
  };
  if (args.dk) put(args.dk, keyRows(gradients.dk, shape, args.dk), args.accumulateKeys);
  if (args.dv) put(args.dv, keyRows(gradients.dv, shape, args.dv), args.accumulateKeys);
  args.dDepth?.forEach((segment, n) => {
    for (const part of ['k', 'v'] as const) put(segment[part], gradients.dDepth[n][part], args.accumulateDepth);
  });
}

/** A gradient `[B, keyCapacity, ...]` cut to the positions that `out` holds (Tk or keyCapacity). */
function keyRows(gradient: Float64Array, { B, keyCapacity }: AttentionShape, out: ArrayView): Float64Array {
  if (out.shape[1] === keyCapacity) return gradient;
  const rowLength = gradient.length / (B * keyCapacity);
  const cut = new Float64Array(B * out.shape[1] * rowLength);
  for (let b = 0; b < B; b++) {
    const from = b * keyCapacity * rowLength;
    cut.set(gradient.subarray(from, from + out.shape[1] * rowLength), b * out.shape[1] * rowLength);
  }
  return cut;
}

function shapeOf({
  q,
  k,
  out,
  Tk,
  scale,
  causal,
  window,
  softcap,
  docRange,
  depth,
}: AttentionArguments): AttentionShape {
  const [B, T, H, D] = q.shape;
  const Hkv = k ? k.shape[2] : (depth?.segments[0].k.shape[3] ?? H);
  return {
    B,
    T,
    Tk,
    keyCapacity: k ? k.shape[1] : Tk,
    H,
    Hkv,
    D,
    Dv: out.shape[3],
    scale,
    causal,
    window,
    softcap,
    docRange: docRange && memoryOf(docRange),
  };
}

function inputsOf({ q, k, v, depth }: AttentionArguments): AttentionInputs {
  return {
    q: memoryOf(q),
    k: k && memoryOf(k),
    v: v && memoryOf(v),
    depth: depth && depthOf(depth),
  };
}

function depthOf({ S, segments, Td, chunk, chunkPhase }: DepthArguments): DepthReference {
  return {
    S,
    Td,
    chunk,
    chunkPhase,
    segments: segments.map(({ k, v }) => ({ k: memoryOf(k), v: memoryOf(v), slots: k.shape[0] })),
  };
}
