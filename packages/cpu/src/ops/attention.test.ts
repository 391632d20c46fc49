import { describe, expect, it } from 'vitest';
import { expectAccurate, onEveryThreadCount, place, room, take, wave } from '../../test/test-runtime.ts';
import {
  type AttentionShape,
  attentionBackwardReference,
  attentionReference,
  type DepthReference,
  exact,
  type Round,
  toF32,
} from '../reference/index.ts';
import type { CpuRuntime } from '../runtime/cpu-runtime.ts';
import { attention, attentionBackward } from './attention.ts';

interface Case {
  readonly name: string;
  readonly shape: Partial<AttentionShape>;
  /** Slots of each segment, and how many are in use. */
  readonly depth?: {
    readonly slots: readonly number[];
    readonly S: number;
    readonly chunk?: number;
    readonly phase?: number;
  };
  readonly hasSequence?: boolean;
  readonly hasDocuments?: boolean;
}

const base: AttentionShape = {
  B: 1,
  T: 5,
  Tk: 5,
  keyCapacity: 5,
  H: 2,
  Hkv: 1,
  D: 7,
  Dv: 5,
  scale: 0.4,
  causal: true,
  window: null,
  softcap: null,
  docRange: null,
};

// The gradient takes whole key/value heads when B * Hkv is at least 8, and blocks of 64 keys below.
const cases: Case[] = [
  { name: 'one query', shape: { T: 1, Tk: 1, keyCapacity: 1 } },
  { name: 'several tiles of queries and keys', shape: { T: 67, Tk: 131, keyCapacity: 137, H: 3, Hkv: 1 } },
  { name: 'not causal, blocks', shape: { T: 65, Tk: 66, keyCapacity: 66, causal: false } },
  { name: 'whole heads, several tiles', shape: { B: 2, T: 67, Tk: 131, keyCapacity: 133, H: 8, Hkv: 4, D: 9, Dv: 4 } },
  {
    name: 'whole heads, not causal, window',
    shape: { B: 4, T: 70, Tk: 70, keyCapacity: 70, H: 2, Hkv: 2, causal: false, window: 33 },
  },
  { name: 'whole heads, documents', shape: { B: 8, T: 21, Tk: 21, keyCapacity: 21 }, hasDocuments: true },
  {
    name: 'window and documents, blocks',
    shape: { B: 2, T: 70, Tk: 70, keyCapacity: 70, window: 9 },
    hasDocuments: true,
  },
  { name: 'queries before every key', shape: { T: 9, Tk: 4, keyCapacity: 6 } },
  {
    name: 'moda, unused slots, blocks',
    shape: { B: 2, T: 19, Tk: 23, keyCapacity: 24, H: 6, Hkv: 2 },
    depth: { slots: [3, 4], S: 5 },
  },
  {
    name: 'moda, whole heads',
    shape: { B: 4, T: 67, Tk: 67, keyCapacity: 67, H: 6, Hkv: 2, D: 8, Dv: 8 },
    depth: { slots: [2, 3], S: 4 },
  },
  { name: 'moda, more slots than a block', shape: { T: 9, Tk: 9, keyCapacity: 9 }, depth: { slots: [70], S: 67 } },
  { name: 'softcap, blocks', shape: { T: 67, Tk: 131, keyCapacity: 137, H: 3, Hkv: 1, softcap: 0.3, window: 90 } },
  { name: 'softcap, whole heads', shape: { B: 8, T: 70, Tk: 70, keyCapacity: 70, softcap: 0.3 }, hasDocuments: true },
  { name: 'softcap of large scores', shape: { T: 9, Tk: 9, keyCapacity: 9, scale: 400, softcap: 30 } },
  {
    name: 'softcap, moda, whole heads',
    shape: { B: 4, T: 19, Tk: 19, keyCapacity: 19, H: 6, Hkv: 2, softcap: 0.3 },
    depth: { slots: [2, 3], S: 4 },
  },
  {
    name: 'softcap, chunks of 3, phase 2',
    shape: { B: 2, T: 20, Tk: 20, keyCapacity: 20, softcap: 0.3 },
    depth: { slots: [3], S: 2, chunk: 3, phase: 2 },
  },
  {
    name: 'depth attention alone',
    shape: { B: 2, T: 17, H: 3, Hkv: 1 },
    depth: { slots: [4], S: 3 },
    hasSequence: false,
  },
  {
    name: 'chunks of 3, phase 2',
    shape: { B: 2, T: 20, Tk: 20, keyCapacity: 20 },
    depth: { slots: [3], S: 2, chunk: 3, phase: 2 },
  },
  {
    name: 'chunks, whole heads',
    shape: { B: 8, T: 20, Tk: 20, keyCapacity: 20 },
    depth: { slots: [3], S: 2, chunk: 7, phase: 1 },
  },
  {
    name: 'chunks and documents',
    shape: { B: 2, T: 20, Tk: 20, keyCapacity: 20 },
    depth: { slots: [3], S: 2, chunk: 7 },
    hasDocuments: true,
  },
];

/** Documents of 7 positions. */
function documentRanges({ B, T, Tk }: AttentionShape): Float64Array {
  const row = Array.from({ length: T }, (_, i) => {
    const start = Math.floor((Tk - T + i) / 7) * 7;
    return [start, start + 7];
  }).flat();
  return Float64Array.from(Array.from({ length: B }, () => row).flat());
}

interface Inputs {
  readonly shape: AttentionShape;
  readonly q: Float64Array;
  readonly k: Float64Array | null;
  readonly v: Float64Array | null;
  readonly depth: DepthReference | null;
  readonly dOut: Float64Array;
  readonly dLse: Float64Array;
}

function inputsOf({ shape: partial, depth, hasSequence = true, hasDocuments }: Case): Inputs {
  const plain = { ...base, ...partial };
  const shape = { ...plain, docRange: hasDocuments ? documentRanges(plain) : null };
  const { B, T, H, Hkv, D, Dv, keyCapacity } = shape;
  const Td = T + 2;
  const segments = (depth?.slots ?? []).map((slots, n) => ({
    slots,
    k: wave(slots * B * Td * Hkv * D, 3 + n),
    v: wave(slots * B * Td * Hkv * Dv, 5 + n),
  }));
  return {
    shape,
    q: wave(B * T * H * D, 1),
    k: hasSequence ? wave(B * keyCapacity * Hkv * D, 2) : null,
    v: hasSequence ? wave(B * keyCapacity * Hkv * Dv, 4) : null,
    depth: depth ? { S: depth.S, segments, Td, chunk: depth.chunk ?? 1, chunkPhase: depth.phase ?? 0 } : null,
    dOut: wave(B * T * H * Dv, 6),
    dLse: wave(B * H * T, 7),
  };
}

function reference(inputs: Inputs, round: Round): Float64Array[] {
  const { shape } = inputs;
  const { out, lse } = attentionReference(shape, inputs, round);
  const { dq, dk, dv, dDepth } = attentionBackwardReference(shape, { ...inputs, out, lse }, round);
  return [out, lse, dq, dk, dv, ...dDepth.flatMap(({ k, v }) => [k, v])];
}

/** Forward and backward on the kernels, in the order of `reference`. Slots that are not in use hold NaN. */
function run(runtime: CpuRuntime, { shape, q, k, v, depth, dOut, dLse }: Inputs): Float64Array[] {
  const { B, T, Tk, H, Hkv, D, Dv, keyCapacity, docRange } = shape;
  let unused = depth?.S ?? 0;
  const segments = (depth?.segments ?? []).map(({ slots, k: keys, v: values }) => {
    const used = Math.min(slots, unused);
    unused -= used;
    const poisoned = (x: Float64Array) => x.map((value, i) => (i < (x.length / slots) * used ? value : NaN));
    return {
      k: place(runtime, poisoned(keys), [slots, B, depth!.Td, Hkv, D]),
      v: place(runtime, poisoned(values), [slots, B, depth!.Td, Hkv, Dv]),
    };
  });
  const zeros = segments.map((segment) => ({
    k: place(runtime, new Float64Array(take(runtime, segment.k).length), segment.k.shape),
    v: place(runtime, new Float64Array(take(runtime, segment.v).length), segment.v.shape),
  }));
  const args = {
    q: place(runtime, q, [B, T, H, D]),
    k: k && place(runtime, k, [B, keyCapacity, Hkv, D]),
    v: v && place(runtime, v, [B, keyCapacity, Hkv, Dv]),
    Tk,
    scale: shape.scale,
    softcap: shape.softcap,
    causal: shape.causal,
    window: shape.window,
    docRange: docRange && place(runtime, docRange, [B, T, 2], 'i32'),
    depth: depth && { ...depth, segments },
    out: room(runtime, [B, T, H, Dv]),
    lse: room(runtime, [B, H, T]),
  };
  attention(runtime, args);
  const gradients = {
    dq: room(runtime, args.q.shape),
    dk: args.k && room(runtime, args.k.shape),
    dv: args.v && room(runtime, args.v.shape),
  };
  attentionBackward(runtime, {
    ...args,
    ...gradients,
    dOut: place(runtime, dOut, args.out.shape),
    dLse: place(runtime, dLse, args.lse.shape),
    dDepth: depth && zeros,
    accumulateDepth: true,
  });
  const host = (x: Parameters<typeof take>[1] | null) => (x ? take(runtime, x) : new Float64Array(0));
  const results = [args.out, args.lse, gradients.dq, gradients.dk, gradients.dv];
  return [...results.map(host), ...zeros.flatMap((segment) => [host(segment.k), host(segment.v)])];
}

describe('attention', () => {
  for (const attentionCase of cases) {
    const { B, T, H, Hkv } = { ...base, ...attentionCase.shape };
    it(`and its gradients equal f64: ${attentionCase.name} [B=${B} T=${T} H=${H} Hkv=${Hkv}] [cpu]`, async () => {
      const inputs = inputsOf(attentionCase);
      const results = await onEveryThreadCount((runtime) => run(runtime, inputs));
      const [truth, naive] = [reference(inputs, exact), reference(inputs, toF32)];
      results.forEach((result, i) => {
        expectAccurate(result, truth[i], naive[i]);
      });
    });
  }

  it('does not overflow where every score is 448 [cpu]', async () => {
    const inputs = inputsOf({ name: 'large scores', shape: { scale: 1 }, depth: { slots: [2], S: 2 } });
    inputs.q.fill(16);
    for (const k of [inputs.k!, inputs.depth!.segments[0].k]) k.fill(4);
    const [out, lse] = await onEveryThreadCount((runtime) => run(runtime, inputs));
    const [truth, naive] = [reference(inputs, exact), reference(inputs, toF32)];
    expectAccurate(out, truth[0], naive[0]);
    expectAccurate(lse, truth[1], naive[1]);
  });

  it('overwrites depth gradients of slots in use when told not to add [cpu]', async () => {
    const inputs = inputsOf({ name: '', shape: { T: 3 }, depth: { slots: [2], S: 1 }, hasSequence: false });
    const { B, Hkv, D, Dv } = inputs.shape;
    const [dk] = await onEveryThreadCount((runtime) => {
      const { Td } = inputs.depth!;
      const segment = {
        k: place(runtime, inputs.depth!.segments[0].k, [2, B, Td, Hkv, D]),
        v: place(runtime, inputs.depth!.segments[0].v, [2, B, Td, Hkv, Dv]),
      };
      const old = {
        k: place(runtime, wave(2 * Td * D).fill(9), segment.k.shape),
        v: place(runtime, wave(2 * Td * Dv).fill(9), segment.v.shape),
      };
      const q = place(runtime, inputs.q, [B, 3, 2, D]);
      const args = {
        q,
        k: null,
        v: null,
        Tk: 0,
        scale: 0.4,
        causal: true,
        window: null,
        softcap: null,
        docRange: null,
        depth: { ...inputs.depth!, segments: [segment] },
        out: room(runtime, [B, 3, 2, Dv]),
        lse: room(runtime, [B, 2, 3]),
      };
      attention(runtime, args);
      const dOut = place(runtime, inputs.dOut, args.out.shape);
      const gradients = { dq: room(runtime, q.shape), dk: null, dv: null, dDepth: [old], accumulateDepth: false };
      attentionBackward(runtime, { ...args, ...gradients, dOut, dLse: null });
      return [take(runtime, old.k)];
    });
    const perSlot = dk.length / 2;
    // Two depth positions lie before the first query; one softmax over one key has no slope.
    expect([...dk.subarray(0, perSlot)].every((x) => Math.abs(x) < 1e-6)).toBe(true);
    expect([...dk.subarray(perSlot)].every((x) => x === 9)).toBe(true);
  });
});
