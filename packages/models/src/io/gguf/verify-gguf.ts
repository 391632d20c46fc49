import { CheckpointError, fromHalf, shown, toHalf } from '@modajs/tensor';
import type { DecoderConfig } from '../../config/decoder-config.ts';
import type { HostParameter } from '../../decoder/load-parameters.ts';
import { isRotated, rotaryRows } from '../rows.ts';
import { bytesSource } from './byte-source.ts';
import { openGguf } from './open-gguf.ts';
import type { GgufStorage } from './quantize.ts';
import { firstUnsaid } from './said-config.ts';

/** Codes of a storage type are whole numbers up to `codes`, times a factor in f16; a number is at most `off` codes away. */
const blocks = { Q8_0: { codes: 127, off: 0.5 }, Q4_0: { codes: 8, off: 1 } } as const;

/**
 * Reads a GGUF file back and compares it with what it was made of: fields of the configuration, and every number up to the
 * rounding of its storage.
 *
 * @throws CheckpointError naming the first field or number that does not come back
 */
export async function verifyGguf(
  file: Uint8Array,
  config: DecoderConfig,
  parameters: ReadonlyMap<string, HostParameter>,
  storage: GgufStorage,
): Promise<void> {
  const back = await openGguf(bytesSource(file, 'the written file'));
  const field = firstUnsaid(config, back.config);
  if (field !== null) {
    throw new CheckpointError(
      `export: ${field} must come back as ${shown(config[field])}, got ${shown(back.config[field])}. A GGUF file cannot say it: export a Hugging Face folder.`,
      { field },
    );
  }
  for (const [name, given] of parameters) {
    const permuted = config.ropeInterleaved && isRotated(name) ? rotaryRows(given, config.headDim, false) : given;
    const { data } = await back.parameters.get(name)!.read();
    const isQuantized = storage in blocks && given.shape.length === 2 && given.shape[1] % 32 === 0;
    const kind = isQuantized ? storage : given.shape.length < 2 ? 'F32' : storage === 'F32' ? 'F32' : 'F16';
    const at = firstDifference(permuted.data, data, kind);
    if (at === null) continue;
    throw new CheckpointError(
      `export: ${name}[${at}] must come back as ${permuted.data[at]}, got ${data[at]}. Export it as F32, or a Hugging Face folder.`,
      { name, at },
    );
  }
}

/** Position of the first number further away than its storage rounds; null when there is none. */
function firstDifference(given: ArrayLike<number>, back: ArrayLike<number>, kind: GgufStorage): number | null {
  if (given.length !== back.length) return Math.min(given.length, back.length);
  let bound = 0;
  for (let i = 0; i < given.length; i++) {
    if ((kind === 'Q8_0' || kind === 'Q4_0') && i % 32 === 0) {
      const { codes, off } = blocks[kind];
      let most = 0;
      for (let j = i; j < i + 32; j++) most = Math.max(most, Math.abs(given[j]));
      // What the code is off by, the rounding of the factor to f16, and the step of its smallest numbers.
      bound = ((off + codes * 2 ** -11) * most) / codes + codes * 2 ** -25;
    }
    const value = kind === 'F16' ? fromHalf(toHalf(given[i])) : Math.fround(given[i]);
    if (!(Math.abs(value - back[i]) <= bound)) return i;
  }
  return null;
}
