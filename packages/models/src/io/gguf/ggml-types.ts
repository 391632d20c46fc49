import type { Dequantize } from './dequantize.ts';
import { bf16, f16, f32, q4_0, q4_1, q5_0, q5_1, q8_0 } from './dequantize.ts';
import { q2_k, q3_k, q4_k, q5_k, q6_k } from './dequantize-k.ts';

/** How a tensor is stored: in blocks of `blockSize` numbers, of `blockBytes` bytes each. */
export interface GgmlType {
  readonly name: string;
  readonly blockSize: number;
  readonly blockBytes: number;
  readonly dequantize: Dequantize;
}

/** The storage types that are read, by their numbers in a file. */
export const ggmlTypes: ReadonlyMap<number, GgmlType> = new Map([
  [0, { name: 'F32', blockSize: 1, blockBytes: 4, dequantize: f32 }],
  [1, { name: 'F16', blockSize: 1, blockBytes: 2, dequantize: f16 }],
  [2, { name: 'Q4_0', blockSize: 32, blockBytes: 18, dequantize: q4_0 }],
  [3, { name: 'Q4_1', blockSize: 32, blockBytes: 20, dequantize: q4_1 }],
  [6, { name: 'Q5_0', blockSize: 32, blockBytes: 22, dequantize: q5_0 }],
  [7, { name: 'Q5_1', blockSize: 32, blockBytes: 24, dequantize: q5_1 }],
  [8, { name: 'Q8_0', blockSize: 32, blockBytes: 34, dequantize: q8_0 }],
  [10, { name: 'Q2_K', blockSize: 256, blockBytes: 84, dequantize: q2_k }],
  [11, { name: 'Q3_K', blockSize: 256, blockBytes: 110, dequantize: q3_k }],
  [12, { name: 'Q4_K', blockSize: 256, blockBytes: 144, dequantize: q4_k }],
  [13, { name: 'Q5_K', blockSize: 256, blockBytes: 176, dequantize: q5_k }],
  [14, { name: 'Q6_K', blockSize: 256, blockBytes: 210, dequantize: q6_k }],
  [30, { name: 'BF16', blockSize: 1, blockBytes: 2, dequantize: bf16 }],
]);

const otherNames: Readonly<Record<number, string>> = {
  9: 'Q8_1',
  15: 'Q8_K',
  16: 'IQ2_XXS',
  17: 'IQ2_XS',
  18: 'IQ3_XXS',
  19: 'IQ1_S',
  20: 'IQ4_NL',
  21: 'IQ3_S',
  22: 'IQ2_S',
  23: 'IQ4_XS',
  24: 'I8',
  25: 'I16',
  26: 'I32',
  27: 'I64',
  28: 'F64',
  29: 'IQ1_M',
  34: 'TQ1_0',
  35: 'TQ2_0',
  39: 'MXFP4',
  40: 'NVFP4',
};

/** A type's name in error messages, of one that is not read, too. */
export function ggmlTypeName(code: number): string {
  return ggmlTypes.get(code)?.name ?? otherNames[code] ?? `type ${code}`;
}
