import type { AttentionArguments, DepthArguments, DepthSegment } from '../backends/attention-arguments.ts';
import { attentionKernels } from '../backends/families.ts';
import { attach, type DestinationOf, type GradNode, isRecording, makeNode } from '../core/autograd.ts';
import type { Destination } from '../core/destination.ts';
import type { Device } from '../core/device.ts';
import { tidy } from '../core/scope.ts';
import { allocateTensor, type Tensor } from '../core/tensor.ts';
import { checkAttention } from './attention-checks.ts';
import { currentCheckpoint } from './checkpoint.ts';
import { contiguous } from './views.ts';

/** Room that a reader has reserved for its backward pass. */
export interface DepthReservation {
  /** A new handle on memory `[B, T, H, Dv]` for the gradient of the reader's output. */
  dOut(): Tensor;
}

/**
 * Where a reader's gradients of its slots go, in one of two ways: `store` keeps what they are computed from later, all readers at once;
 * where that gives null, the reader adds them to `segments()`.
 */
export interface DepthGradients {
  /** f32 sums, made at the first call. */
  segments(): readonly DepthSegment[];
  /** Reserves room before the gradient of the reader's output is made; null when it must add to `segments()`. */
  reserve(reader: { readonly scale: number; readonly q: Tensor }): DepthReservation | null;
  /**
   * Stores q and dOut, and gives the memory `[S, B, T, H, 2]` into which the reader's backward pass writes its pairs (p, dS) of softmax
   * probability and score gradient; null when it must add to `segments()`.
   */
  store(
    reader: { readonly scale: number; readonly q: Tensor; readonly dOut: Tensor },
    reservation: DepthReservation | null,
  ): Tensor | null;
}

/** Depth keys and values as attention reads them: `slotTensors` of tensors, or a depth stream of `@modajs/moda`. */
export interface DepthReading {
  /** Where the slots are. */
  readonly device: Device;
  readonly S: number;
  readonly Td: number;
  /** @throws AutogradError when the slots' memory is gone */
  readonly segments: readonly DepthSegment[];
  /** Null when no gradient will be asked for. */
  readonly gradients: DepthGradients | null;
  /** Nodes that wrote the slots: they run after every reader. */
  readonly writers: readonly GradNode[];
  /** Keeps the slots for a node that will read them in its backward pass. */
  readonly keepFor: (node: GradNode) => void;
}

export interface AttentionInput {
  /** `[B, T, H, D]` */
  readonly q: Tensor;
  /** `[B, keyCapacity, Hkv, D]`; null for depth attention alone. */
  readonly k: Tensor | null;
  /** `[B, keyCapacity, Hkv, Dv]` */
  readonly v: Tensor | null;
  /** Key positions in use; keyCapacity by default. Query i sits at key position `Tk - T + i`. */
  readonly Tk?: number;
  /** 1/sqrt(D) by default. */
  readonly scale?: number;
  /** true by default. */
  readonly causal?: boolean;
  /** Keys `window` or more positions back are hidden. */
  readonly window?: number | null;
  /** c of the cap on logits: a scaled score s enters the softmax as `c tanh(s / c)`, of sequence and of depth keys; null for none. */
  readonly softcap?: number | null;
  /** i32 `[B, T, 2]`: key range [start, end) of each position's document; monotone. */
  readonly docRange?: Tensor | null;
  readonly depth?: DepthReading | null;
  /** C of `modaChunkVisible`; 1 by default. */
  readonly chunk?: number;
  /** Absolute position of depth position 0, modulo `chunk`; with `docRange` chunks count from each document's start. */
  readonly chunkPhase?: number;
}

export interface AttentionOutput {
  /** `[B, T, H, Dv]` */
  readonly out: Tensor;
  /** f32 `[B, H, T]`: natural log of the softmax's denominator over the union of sequence and depth keys. */
  readonly lse: Tensor;
}

/**
 * One softmax over sequence keys and depth slots, the primitive under `attention`, `depthAttention`, `moda` and
 * `modaChunkVisible` of `@modajs/moda`. Differentiable in q, k, v, the depth slots, and through both outputs.
 *
 * @throws ShapeError | DTypeError | DeviceError
 * Reference: Zhu et al., "Mixture-of-Depths Attention", arXiv 2603.15619, Algorithm 1.
 */
export function attentionPrimitive(input: AttentionInput): AttentionOutput {
  checkAttention(input);
  return tidy(() => {
    const { q, k, v } = input;
    const [B, T, H] = q.shape;
    const Dv = v?.shape[3] ?? input.depth!.segments[0].v.shape[4];
    const out = allocateTensor(q.device, [B, T, H, Dv], q.dtype);
    const lse = allocateTensor(q.device, [B, H, T], 'f32');
    const dense = [
      contiguous(q),
      k && contiguous(k),
      v && contiguous(v),
      input.docRange ? contiguous(input.docRange) : null,
    ] as const;
    const depth = depthArguments(input);
    attentionKernels.on(q.device.backend).attention(argumentsOf(input, dense, depth, out, lse));
    connect(input, dense, depth, out, lse);
    return { out, lse };
  });
}

type Dense = readonly [Tensor, Tensor | null, Tensor | null, Tensor | null];

function argumentsOf(
  input: AttentionInput,
  [q, k, v, docRange]: Dense,
  depth: DepthArguments | null,
  out: Tensor,
  lse: Tensor,
): AttentionArguments {
  return {
    q: q.view,
    k: k?.view ?? null,
    v: v?.view ?? null,
    Tk: input.Tk ?? k?.shape[1] ?? q.shape[1],
    scale: scaleOf(input),
    causal: input.causal ?? true,
    window: input.window ?? null,
    softcap: input.softcap ?? null,
    docRange: docRange?.view ?? null,
    depth,
    out: out.view,
    lse: lse.view,
  };
}

function scaleOf({ scale, q }: AttentionInput): number {
  return scale ?? 1 / Math.sqrt(q.shape[3]);
}

/** Whether queries see the slots of their own position only. */
function readsOwnPosition({ depth, chunk = 1, q }: AttentionInput): boolean {
  return !!depth && depth.S > 0 && chunk === 1 && depth.Td === q.shape[1];
}

function depthArguments({ depth, chunk = 1, chunkPhase = 0 }: AttentionInput): DepthArguments | null {
  if (!depth || depth.S === 0) return null;
  return { S: depth.S, segments: depth.segments, Td: depth.Td, chunk, chunkPhase };
}

function connect(
  input: AttentionInput,
  dense: Dense,
  depthArgs: DepthArguments | null,
  out: Tensor,
  lse: Tensor,
): void {
  const [q, k, v, docRange] = dense;
  const depth = depthArgs && input.depth!;
  const writers = depth?.writers ?? [];
  if (!isRecording()) {
    const checkpoint = currentCheckpoint();
    checkpoint?.dependsOn(writers);
    if (checkpoint) depth?.keepFor(checkpoint.node);
    return;
  }
  if (!writers.length && !q.node && !k?.node && !v?.node) return;
  const optional = [k, v, docRange].filter((tensor) => tensor !== null);
  let reservation: DepthReservation | null = null;
  const node = makeNode({
    inputs: [q, k, v, ...writers.map((writer) => ({ node: writer, outputIndex: 0 }))],
    saved: [q, out, lse, ...optional],
    backward: ([dOut, dLse], [sq, sOut, sLse, ...rest], _needs, destination) => {
      const alive: Dense = [sq, k && rest.shift()!, v && rest.shift()!, docRange && rest.shift()!];
      return runBackward(input, alive, depthArgs, sOut, sLse, dOut, dLse ?? null, destination, reservation);
    },
  });
  depth?.keepFor(node);
  const gradients = readsOwnPosition(input) ? (depth?.gradients ?? null) : null;
  if (gradients) {
    node.preferredDestination = ([sq]) => {
      reservation = gradients.reserve({ scale: scaleOf(input), q: sq });
      return reservation?.dOut() ?? null;
    };
  }
  attach([out, lse], node);
}

function runBackward(
  input: AttentionInput,
  dense: Dense,
  depthArgs: DepthArguments | null,
  out: Tensor,
  lse: Tensor,
  dOut: Tensor | null,
  dLse: Tensor | null,
  destination: DestinationOf,
  reservation: DepthReservation | null,
): (Tensor | null)[] {
  const [q, k, v] = dense;
  const { device } = q;
  const gradient = dOut ? contiguous(dOut) : zeroLike(out);
  const dq = allocateTensor(device, q.shape, q.dtype);
  const { dk, dv, accumulateKeys } = keyGradients(input, k, v, destination);
  const depth = input.depth && input.depth.S > 0 ? input.depth : null;
  const args = argumentsOf(input, dense, depthArgs, out, lse);
  const reader = { scale: args.scale, q, dOut: gradient };
  const pairs = (readsOwnPosition(input) && depth?.gradients?.store(reader, reservation)) || null;
  attentionKernels.on(device.backend).attentionBackward({
    ...args,
    dOut: gradient.view,
    dLse: dLse ? contiguous(dLse).view : null,
    dq: dq.view,
    dk: dk?.view ?? null,
    dv: dv?.view ?? null,
    accumulateKeys,
    dDepth: pairs ? null : (depth?.gradients?.segments() ?? null),
    accumulateDepth: true,
    depthPairs: pairs?.view ?? null,
  });
  return [dq, dk, dv, ...(depth?.writers.map(() => null) ?? [])];
}

/**
 * Memory for dk and dv: new, or the gradients that k and v have already, to be added to. They have some where k and v were written to a
 * depth slot after this attention: the slot's writer, the newer node, ran before it.
 */
function keyGradients(
  { Tk }: AttentionInput,
  k: Tensor | null,
  v: Tensor | null,
  destination: DestinationOf,
): { dk: Tensor | null; dv: Tensor | null; accumulateKeys: boolean } {
  if (!k || !v) return { dk: null, dv: null, accumulateKeys: false };
  // Keys beyond Tk are outside the operator; backends write the first Tk positions only.
  const isWhole = Tk === undefined || Tk === k.shape[1];
  const [ofK, ofV] = [k, v].map((tensor, n): Destination => {
    if (isWhole) return destination(1 + n, tensor);
    return { tensor: allocateTensor(tensor.device, tensor.shape, tensor.dtype), accumulate: false };
  });
  const accumulateKeys = ofK.accumulate || ofV.accumulate;
  for (const { tensor, accumulate } of [ofK, ofV]) {
    const isFirstSum = accumulateKeys && !accumulate;
    if (isFirstSum || !isWhole) tensor.device.backend.fill(tensor.view, 0);
  }
  return { dk: ofK.tensor, dv: ofV.tensor, accumulateKeys };
}

function zeroLike(x: Tensor): Tensor {
  const out = allocateTensor(x.device, x.shape, x.dtype);
  x.device.backend.fill(out.view, 0);
  return out;
}
