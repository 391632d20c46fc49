/**
 * How numbers lie in memory: element types, halves and blocks of quantized matrices, without any kernel. A program that imports this entry,
 * and the main one only when it opens a GPU, loads no shader before.
 */

export { supportsDType } from './plan/dtype-support.ts';
export {
  DTYPES,
  dtypeEntry,
  elementBytes,
  elementsPerVector,
  type FloatDType,
  type KernelDType,
} from './plan/dtype-table.ts';
export { fromBfloat16, fromHalf, toHalf } from './plan/half.ts';
export {
  BLOCK_NUMBERS,
  type BlockFormat,
  blockFormats,
  blockWords,
  QUANTIZED_ROWS,
  quantizedBytes,
} from './quantized/block-format.ts';
