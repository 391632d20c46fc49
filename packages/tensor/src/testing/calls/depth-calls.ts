import * as ops from '../../index.ts';
import type { CallTable } from './call.ts';
import {
  device,
  finite,
  flag,
  floatDType,
  type Kind,
  kind,
  nullable,
  optional,
  options,
  required,
  tensorOf,
  whole,
} from './kinds.ts';

const f32 = { dtypes: ['f32'] } as const;
const [B, T, H, Hkv, D] = [2, 3, 4, 2, 6];
const sizes = { slots: 2, B, T, Hkv, D };
const slot = tensorOf([B, T, Hkv, D], f32);

/** A reading of one slot of another shape than the operators of this table have. */
function readingOf(here: ops.Device, dtype: 'f32' | 'f16', shape = [1, B, T, Hkv, D]): ops.DepthReading {
  return ops.slotTensors(ops.ones(shape, { dtype, device: here }), ops.ones(shape, { dtype, device: here }));
}

/** What `DepthArena.read` and `slotTensors` give: one slot that meets `q` `[2, 3, 4, 6]`. */
export const reading: Kind = {
  good: (place) => readingOf(place.device, 'f32'),
  wrong: {
    ...required(kind(null, { 'a number': 1, 'a string': 'x', true: true })).wrong,
    'one of another device': (place) => readingOf(place.other, 'f32'),
    'one of an f16 tensor': (place) => readingOf(place.device, 'f16'),
    'one of another batch': (place) => readingOf(place.device, 'f32', [1, B + 1, T, Hkv, D]),
    'one of fewer positions': (place) => readingOf(place.device, 'f32', [1, B, T - 1, Hkv, D]),
    'one of other heads': (place) => readingOf(place.device, 'f32', [1, B, T, Hkv + 1, D]),
    'one of another D': (place) => readingOf(place.device, 'f32', [1, B, T, Hkv, D + 1]),
  },
};

export const queries = tensorOf([B, T, H, D], { ...f32, fixed: [0, 2, 3] });
export const keys = tensorOf([B, T, Hkv, D], { ...f32, fixed: [0, 1, 3] });
export const values = tensorOf([B, T, Hkv, D], { ...f32, fixed: [0, 1] });
export const sequence = {
  scale: finite(0.5),
  causal: flag,
  window: nullable(whole(2, 1)),
  docRange: optional(
    tensorOf([B, T, 2], { dtypes: ['i32'], values: Array.from({ length: B * T * 2 }, (_, i) => (i % 2) * T) }),
  ),
  Tk: whole(T, T, T),
};

/** Runs with an arena in which one slot is written; it is disposed of whatever happens. */
function withArena(here: ops.Device, run: (arena: ops.DepthArena) => unknown): unknown {
  using arena = new ops.DepthArena({ ...sizes, device: here });
  const x = ops.ones([B, T, Hkv, D], { device: here });
  arena.writeSlot(0, x, x);
  return run(arena);
}

/** Says which device; nothing about it is wrong. */
const anchor: Kind = { good: tensorOf([1]).good, wrong: {} };
const slotIndex = required(whole(0, 0, 1));

/** Attention and the depth stream's memory. */
export const depthCalls: CallTable = {
  attentionPrimitive: {
    run: ops.attentionPrimitive,
    args: [
      options(
        {
          q: queries,
          k: keys,
          v: values,
          ...sequence,
          depth: nullable(reading),
          chunk: whole(1, 1),
          chunkPhase: whole(0),
        },
        ['q', 'k', 'v'],
      ),
    ],
  },
  slotTensors: {
    run: ops.slotTensors,
    args: [
      tensorOf([2, B, T, Hkv, D], { ...f32, fixed: [0, 1, 2, 3] }),
      tensorOf([2, B, T, Hkv, D], { ...f32, fixed: [0, 1, 2, 3] }),
    ],
  },
  DepthArena: {
    run: (settings) => new ops.DepthArena(settings).dispose(),
    args: [
      options(
        {
          slots: whole(2),
          B: whole(B),
          T: whole(T),
          Hkv: whole(Hkv, 1),
          D: whole(D, 1),
          Dv: whole(D, 1),
          dtype: floatDType,
          device,
          readers: whole(1),
          maxSegmentBytes: whole(2 ** 20, 1),
        },
        ['slots', 'B', 'T', 'Hkv', 'D'],
      ),
    ],
  },
  'DepthArena.writeSlot': {
    run: (x, at, k, v) => withArena(x.device, (arena) => arena.writeSlot(at, k, v)),
    args: [anchor, slotIndex, slot, slot],
  },
  'DepthArena.slotMemory': {
    run: (x, at) => withArena(x.device, (arena) => arena.slotMemory(at)),
    args: [anchor, slotIndex],
  },
  'DepthArena.slot': { run: (x, at) => withArena(x.device, (arena) => arena.slot(at)), args: [anchor, slotIndex] },
  'DepthArena.queryMemory': {
    run: (x, count, heads) => withArena(x.device, (arena) => arena.queryMemory(count, heads)),
    args: [anchor, required(whole(1, 0, 2)), required(whole(H, 1))],
  },
  'DepthArena.read': {
    run: (x, count, skip) => withArena(x.device, (arena) => arena.read(count, skip)),
    args: [anchor, required(whole(1, 0, 1)), whole(0, 0, 1)],
  },
};
