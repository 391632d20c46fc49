import * as ops from '../../index.ts';
import type { CallTable } from './call.ts';
import {
  finite,
  flag,
  type Kind,
  kind,
  nullable,
  optional,
  options,
  positive,
  required,
  tensorOf,
  whole,
} from './kinds.ts';

const f32 = { dtypes: ['f32'] } as const;
const [B, T, H, Hkv, D] = [2, 3, 4, 2, 6];

/** A reading of one slot of another shape than the operators of this table have. */
function readingOf(here: ops.Device, dtype: 'f32' | 'f16', shape = [1, B, T, Hkv, D]): ops.DepthReading {
  return ops.slotTensors(ops.ones(shape, { dtype, device: here }), ops.ones(shape, { dtype, device: here }));
}

/** What `slotTensors` and a depth stream's `read` give: one slot that meets `q` `[2, 3, 4, 6]`. */
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
  softcap: nullable(positive(0.5)),
  docRange: optional(
    tensorOf([B, T, 2], { dtypes: ['i32'], values: Array.from({ length: B * T * 2 }, (_, i) => (i % 2) * T) }),
  ),
  Tk: whole(T, T, T),
};

/** Attention, and slots that are tensors. */
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
};
