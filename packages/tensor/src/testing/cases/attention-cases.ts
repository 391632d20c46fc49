import type { Tensor } from '../../core/tensor.ts';
import { type AttentionInput, attentionPrimitive, type DepthReading } from '../../ops/attention.ts';
import { full, tensor } from '../../ops/creation.ts';
import { slotTensors } from '../../ops/slot-tensors.ts';
import { concat } from '../../ops/views.ts';
import type { CaseInput, OperatorCase } from '../operator-case.ts';

/** Makes slots `k` `[S, B, T, Hkv, D]` and `v` `[S, B, T, Hkv, Dv]` readable, beside one that holds NaN and must not be read. */
export type ReadSlots = (k: Tensor, v: Tensor) => DepthReading;

interface Dimensions {
  readonly B: number;
  readonly T: number;
  readonly H: number;
  readonly Hkv: number;
  readonly D: number;
  readonly Dv?: number;
  readonly S?: number;
  /** Positions of k and v; T by default. */
  readonly capacity?: number;
}

/** Inputs q, k, v, depth keys and values of all slots. */
const caseOver =
  (readSlots: ReadSlots) =>
  (
    name: string,
    size: Dimensions,
    options: Partial<AttentionInput> & { readonly sequence?: boolean } = {},
    docRange?: readonly number[],
  ): OperatorCase => {
    const { B, T, H, Hkv, D, Dv = D, S = 0, capacity = T } = size;
    const float = (...shape: number[]): CaseInput => ({ shape });
    const { sequence = true, ...input } = options;
    const letters = Object.entries(size)
      .map(([letter, extent]) => `${letter}=${extent}`)
      .join(' ');
    return {
      name: `${name} [${letters}]`,
      inputs: [
        float(B, T, H, D),
        float(B, capacity, Hkv, D),
        float(B, capacity, Hkv, Dv),
        ...(S > 0 ? [float(S, B, T, Hkv, D), float(S, B, T, Hkv, Dv)] : []),
      ],
      run: ([q, k, v, depthK, depthV], device) => {
        const range = docRange && tensor(docRange, { shape: [B, T, 2], dtype: 'i32', device });
        const depth = S > 0 ? readSlots(depthK, depthV) : null;
        const { out, lse } = attentionPrimitive({
          q,
          k: sequence ? k : null,
          v: sequence ? v : null,
          docRange: range,
          depth,
          ...input,
        });
        return [out, lse];
      },
    };
  };

/** Slots that are tensors. */
const asTensors: ReadSlots = (k, v) => {
  const withNaN = (slots: Tensor): Tensor => {
    const { dtype, device, shape } = slots;
    return concat([slots, full([1, ...shape.slice(1)], Number.NaN, { dtype, device })], 0);
  };
  return { ...slotTensors(withNaN(k), withNaN(v)), S: k.shape[0] };
};

const base = { B: 2, T: 13, H: 6, Hkv: 2, D: 8 } as const;
/** Two documents of 5 and 8 positions in each of two rows. */
const documents = [0, 1].flatMap(() => Array.from({ length: 13 }, (_, t) => (t < 5 ? [0, 5] : [5, 13])).flat());

/** Documents that start at 0, 4, 5 and 11: no multiples of 3. */
const oddDocuments = [0, 1].flatMap(() =>
  [
    [0, 4],
    [4, 5],
    [5, 11],
    [11, 13],
  ].flatMap((range) => Array.from({ length: range[1] - range[0] }, () => range).flat()),
);

/** Every kind of attention, over slots that `readSlots` makes. */
export function attentionCasesOver(readSlots: ReadSlots): readonly OperatorCase[] {
  const attentionCase = caseOver(readSlots);
  return [
    attentionCase('attention, Tk=2 of 3 positions', { B: 2, T: 1, H: 1, Hkv: 1, D: 8, capacity: 3 }, { Tk: 2 }),
    attentionCase(
      'moda, Tk=5 of 7 positions',
      { B: 3, T: 3, H: 6, Hkv: 2, D: 8, Dv: 16, S: 2, capacity: 7 },
      { Tk: 5 },
    ),
    attentionCase(
      'modaChunkVisible, C=3, documents, Tk=13 of 17 positions',
      { ...base, S: 2, capacity: 17 },
      { chunk: 3, Tk: 13 },
      oddDocuments,
    ),
    attentionCase('depthAttention, C=3, documents', { ...base, S: 2 }, { sequence: false, chunk: 3 }, oddDocuments),
    attentionCase('attention', base),
    attentionCase('attention, not causal', base, { causal: false }),
    attentionCase('attention, window 4', base, { window: 4 }),
    attentionCase('attention, packed documents', base, {}, documents),
    attentionCase('attention, not causal, packed documents, window 3', base, { causal: false, window: 3 }, documents),
    attentionCase('attention, Dv != D', { ...base, D: 17, Dv: 5 }),
    attentionCase('attention, one position', { B: 1, T: 1, H: 3, Hkv: 3, D: 4 }),
    attentionCase('attention across tiles', { B: 1, T: 67, H: 2, Hkv: 1, D: 16 }),
    attentionCase('attention with scale', base, { scale: 0.5 }),
    attentionCase('attention, softcap 0.7, window 4', base, { softcap: 0.7, window: 4 }, documents),
    attentionCase('attention across tiles, softcap 0.7', { B: 1, T: 67, H: 2, Hkv: 1, D: 16 }, { softcap: 0.7 }),
    attentionCase('moda, softcap 0.7', { ...base, S: 3 }, { softcap: 0.7 }),
    attentionCase('modaChunkVisible, C=4, softcap 0.7', { ...base, S: 2 }, { chunk: 4, softcap: 0.7 }),
    attentionCase('depthAttention', { ...base, S: 3 }, { sequence: false }),
    attentionCase('depthAttention, softcap 0.7', { ...base, S: 3 }, { sequence: false, softcap: 0.7 }),
    ...[1, 2, 3, 5, 7, 8].map((G) => attentionCase(`moda, G=${G}`, { B: 1, T: 9, H: 2 * G, Hkv: 2, D: 8, S: 3 })),
    attentionCase('moda, not causal', { ...base, S: 2 }, { causal: false }),
    attentionCase('moda, window and documents', { ...base, S: 2 }, { window: 4 }, documents),
    attentionCase('moda, Dv != D', { ...base, D: 10, Dv: 7, S: 4 }),
    attentionCase('moda across tiles', { B: 1, T: 66, H: 3, Hkv: 1, D: 16, S: 5 }),
    attentionCase('moda, many slots', { B: 1, T: 5, H: 3, Hkv: 1, D: 8, S: 67 }),
    attentionCase('modaChunkVisible, C=1', { ...base, S: 2 }, { chunk: 1 }),
    attentionCase('modaChunkVisible, C=4', { ...base, S: 2 }, { chunk: 4 }),
    attentionCase('modaChunkVisible, C=4, phase 3', { ...base, S: 2 }, { chunk: 4, chunkPhase: 3 }),
    attentionCase('modaChunkVisible, C>T', { ...base, S: 2 }, { chunk: 64 }),
  ];
}

export const attentionCases = attentionCasesOver(asTensors);
