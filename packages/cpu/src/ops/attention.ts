import {
  KERNEL_ATTENTION_BACKWARD_DEPTH,
  KERNEL_ATTENTION_BACKWARD_KEY,
  KERNEL_ATTENTION_BACKWARD_QUERY,
  KERNEL_ATTENTION_DELTA,
  KERNEL_ATTENTION_FORWARD,
} from '../abi/kernels.ts';
import type { CpuRuntime } from '../runtime/cpu-runtime.ts';
import { type CpuArray, dtypeBytes, elementCount, floatBits, tileCount } from './cpu-array.ts';
import { FloatScope } from './float-scope.ts';

/** Keys and values of a run of slots: k `[slots, B, Td, Hkv, D]`, v `[slots, B, Td, Hkv, Dv]`. */
export interface CpuDepthSegment {
  readonly k: CpuArray;
  readonly v: CpuArray;
}

/** Depth keys of one call: slots 0 .. S-1 counted through the segments; query i has depth position Td - T + i. */
export interface CpuDepth {
  readonly S: number;
  readonly segments: readonly CpuDepthSegment[];
  readonly Td: number;
  /** A query sees the slots of its chunk of positions up to its own; 1: the own position only. */
  readonly chunk: number;
  /** Absolute position of depth position 0, modulo `chunk`. */
  readonly chunkPhase: number;
}

/** One softmax over sequence and depth keys. All arrays contiguous; query i sits at key position Tk - T + i. */
export interface CpuAttention {
  /** `[B, T, H, D]` */
  readonly q: CpuArray;
  /** `[B, keyCapacity, Hkv, D]`, of which Tk positions are keys; null for depth alone. */
  readonly k: CpuArray | null;
  /** `[B, keyCapacity, Hkv, Dv]` */
  readonly v: CpuArray | null;
  readonly Tk: number;
  readonly scale: number;
  readonly causal: boolean;
  readonly window: number | null;
  /** c of the cap `c tanh(s / c)` on scaled scores s, of sequence and of depth keys; null for none. */
  readonly softcap: number | null;
  /** i32 `[B, T, 2]` */
  readonly docRange: CpuArray | null;
  readonly depth: CpuDepth | null;
  /** `[B, T, H, Dv]` */
  readonly out: CpuArray;
  /** f32 `[B, H, T]` */
  readonly lse: CpuArray;
}

/** `dq dk dv` are overwritten, depth gradients added to (or overwritten when `accumulateDepth` is false). */
export interface CpuAttentionBackward extends CpuAttention {
  readonly dOut: CpuArray;
  readonly dLse: CpuArray | null;
  readonly dq: CpuArray;
  readonly dk: CpuArray | null;
  readonly dv: CpuArray | null;
  readonly dDepth: readonly CpuDepthSegment[] | null;
  readonly accumulateDepth: boolean;
}

const ROWS = 64;
const DEPTH_POSITIONS = 16;
const NO_WINDOW = 0x7fffffff;

/** The part of the arguments that both directions share. */
function sharedWords(scope: FloatScope, x: CpuAttention, out: number): number[] {
  const [B, T, H, D] = x.q.shape;
  const Dv = x.out.shape[3];
  const Hkv = x.k?.shape[2] ?? x.depth?.segments[0].k.shape[3] ?? H;
  const arrays = [scope.read(x.q), scope.read(x.k), scope.read(x.v), out, x.lse.address, x.docRange?.address ?? 0];
  const sizes = [B, T, H, Hkv, D, Dv, x.Tk, x.k?.shape[1] ?? 0];
  const masks = [
    floatBits(x.scale),
    x.causal ? 1 : 0,
    Math.min(x.window ?? NO_WINDOW, NO_WINDOW),
    floatBits(x.softcap ?? 0),
  ];
  const { S, Td, chunk, chunkPhase } = x.depth ?? { S: 0, Td: T, chunk: 1, chunkPhase: 0 };
  return [...arrays, ...sizes, ...masks, S, Td, chunk, chunkPhase % chunk];
}

/** Writes the addresses of every slot's k, v, dk and dv, `[S, 4]`, and returns where. */
function slotTable(scope: FloatScope, depth: CpuDepth | null, gradients: readonly CpuDepthSegment[] | null): number {
  if (!depth || depth.S === 0) return 0;
  const rows: number[] = [];
  depth.segments.forEach((segment, i) => {
    const bases = [
      scope.read(segment.k),
      scope.read(segment.v),
      gradients?.[i].k.address ?? 0,
      gradients?.[i].v.address ?? 0,
    ];
    const [slots, ...rest] = segment.k.shape;
    const kBytes = elementCount(rest) * dtypeBytes('f32');
    const vBytes = elementCount(segment.v.shape.slice(1)) * dtypeBytes('f32');
    const steps = [kBytes, vBytes, kBytes, vBytes];
    for (let slot = 0; slot < slots && rows.length < depth.S * 4; slot++) {
      rows.push(...bases.map((base, which) => base + slot * steps[which]));
    }
  });
  const table = scope.workspace(rows.length * 4);
  scope.runtime.memory.u32.set(rows, table >>> 2);
  return table;
}

/** out and lse of one softmax over the visible sequence and depth keys. Scores are never stored: memory is O(T). */
export function attention(runtime: CpuRuntime, x: CpuAttention): void {
  const [B, T, H] = x.q.shape;
  FloatScope.run(runtime, (scope) => {
    const words = sharedWords(scope, x, scope.write(x.out));
    const slots = slotTable(scope, x.depth, null);
    runtime.launch(KERNEL_ATTENTION_FORWARD, B * H * tileCount(T, ROWS), [...words, slots, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  });
}

/** With at least so many key/value heads in the batch they are enough tiles; then one pass computes dq, dk and dv. */
const FUSED_TILES = 8;

/** Gradients of `attention`, recomputing probabilities from lse. Every result has one owner: no atomics, no order that timing decides. */
export function attentionBackward(runtime: CpuRuntime, x: CpuAttentionBackward): void {
  const [B, T, H] = x.q.shape;
  FloatScope.run(runtime, (scope) => {
    const shared = sharedWords(scope, x, scope.read(x.out));
    const Hkv = shared[9];
    const slots = slotTable(scope, x.depth, x.dDepth);
    const delta = scope.workspace(B * H * T * 4);
    const gradients = [
      scope.read(x.dOut),
      x.dLse?.address ?? 0,
      scope.write(x.dq),
      scope.write(x.dk),
      scope.write(x.dv),
    ];
    const isDepthOwner = x.depth !== null && x.dDepth !== null && x.depth.chunk === 1;
    const isFused = x.k !== null && B * Hkv >= FUSED_TILES && (x.depth === null || isDepthOwner);
    const flags = [x.accumulateDepth, isFused, isDepthOwner].map(Number);
    const words = [...shared, slots, ...gradients, delta, ...flags];
    const queryTiles = B * H * tileCount(T, ROWS);
    runtime.launch(KERNEL_ATTENTION_DELTA, queryTiles, words);
    if (!isFused) runtime.launch(KERNEL_ATTENTION_BACKWARD_QUERY, queryTiles, words);
    if (x.k) {
      const keyTiles = isFused ? B * Hkv : B * Hkv * tileCount(x.k.shape[1], ROWS);
      runtime.launch(KERNEL_ATTENTION_BACKWARD_KEY, keyTiles, words);
    }
    if (x.depth && x.dDepth) {
      runtime.launch(KERNEL_ATTENTION_BACKWARD_DEPTH, B * Hkv * tileCount(x.depth.Td, DEPTH_POSITIONS), words);
    }
  });
}
