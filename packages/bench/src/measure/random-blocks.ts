import { BLOCK_NUMBERS, type BlockFormat, blockFormats, blockWords } from '@modajs/kernels';
import { toHalf } from '@modajs/tensor';
import type { OperandMemory } from './operand-memory.ts';
import { randomValue } from './random-value.ts';

const SEEDS = { codes: 99, scales: 111 } as const;

/** Operands `codes` and `scales` of `count` numbers in blocks. The bits of random halves are the codes: any bits are some. */
export async function fillBlocks(format: BlockFormat, count: number, memory: OperandMemory): Promise<void> {
  const words = blockWords(format, count);
  await memory.fill('codes', 2 * words.codes, 'f16', SEEDS.codes);
  await memory.fill('scales', 2 * words.scales, 'f16', SEEDS.scales);
}

/** Number `index` of the blocks that `fillBlocks` made. */
export function blockValue(format: BlockFormat, index: number): number {
  const block = Math.floor(index / BLOCK_NUMBERS);
  const at = index % BLOCK_NUMBERS;
  const start = block * blockFormats[format].codeWords * 4;
  const scale = randomValue(block, SEEDS.scales);
  if (format === 'q8_0') return scale * ((byteAt(start + at) << 24) >> 24);
  const pair = byteAt(start + (at % 16));
  return scale * ((at < 16 ? pair & 15 : pair >> 4) - 8);
}

function byteAt(index: number): number {
  const half = toHalf(randomValue(Math.floor(index / 2), SEEDS.codes));
  return index % 2 === 0 ? half & 255 : half >> 8;
}
