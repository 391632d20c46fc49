import { CheckpointError, shown, writeSafetensors } from '@modajs/tensor';
import type { DecoderConfig } from '../../config/decoder-config.ts';
import type { HostParameter } from '../../decoder/load-parameters.ts';
import { rotatedComponents } from '../../decoder/rotation.ts';
import { decoderSpecs } from '../../parameters/decoder-specs.ts';
import { toStoredNames } from '../names/stored-names.ts';
import { isRotated, rotaryRows } from '../rows.ts';
import { configToHuggingFace } from './config-to-hugging-face.ts';
import { familyNames, familyOf, type ModelFamily } from './model-family.ts';
import { readHuggingFace } from './read-hugging-face.ts';

/** Options of `writeHuggingFace`. */
export interface WriteOptions {
  /** Storage of the weights; F32 by default. */
  readonly dtype?: 'F32' | 'F16';
}

/**
 * The files of a model in Hugging Face's form, by name: `config.json` and `model.safetensors`. Baselines load in
 * `transformers` unchanged; interleaved RoPE is permuted into Hugging Face's pairing.
 *
 * The files are read back and compared before they are given out.
 *
 * @param parameters all of the model's, by our names
 * @throws CheckpointError when a parameter is missing, unknown or of another shape, when a value does not fit `dtype`, or
 *   when what is read back is not what was written
 */
export async function writeHuggingFace(
  config: DecoderConfig,
  parameters: ReadonlyMap<string, HostParameter>,
  { dtype = 'F32' }: WriteOptions = {},
): Promise<ReadonlyMap<string, Uint8Array>> {
  requireAll(config, parameters);
  const family = familyOf(config);
  const written: DecoderConfig = family ? { ...config, ropeInterleaved: false } : config;
  const permuted =
    family && config.ropeInterleaved
      ? new Map(
          [...parameters].map(([name, value]) => [
            name,
            isRotated(name) ? rotaryRows(value, config.headDim, false, rotatedComponents(config)) : value,
          ]),
        )
      : parameters;
  const named = family ? toStoredNames(familyNames(family), written, permuted) : permuted;
  const tensors: Record<string, { dtype: 'F32' | 'F16'; shape: readonly number[]; data: ArrayLike<number> }> = {};
  for (const [name, { shape, data }] of named) tensors[name] = { dtype, shape, data };
  const json = `${JSON.stringify({ ...configToHuggingFace(written), torch_dtype: dtype === 'F16' ? 'float16' : 'float32' }, null, 2)}\n`;
  const files = new Map([
    ['config.json', new TextEncoder().encode(json)],
    ['model.safetensors', await writeSafetensors(tensors, { format: 'pt' })],
  ]);
  await compareReadBack(files, written, permuted, dtype, family);
  return files;
}

function requireAll(config: DecoderConfig, parameters: ReadonlyMap<string, HostParameter>): void {
  const specs = decoderSpecs(config);
  const fail = (name: string, what: string) =>
    new CheckpointError(`export: ${name} must be ${what}. Give all parameters of this configuration.`, { name });
  for (const [name, { shape }] of Object.entries(specs)) {
    const got = parameters.get(name)?.shape;
    if (got?.join() !== shape.join()) throw fail(name, `[${shape}], got ${got ? `[${got}]` : 'nothing'}`);
  }
  for (const name of parameters.keys()) if (!Object.hasOwn(specs, name)) throw fail(name, 'a parameter of the model');
}

/** Options of rotary positions that a family's file has no place for, because they do nothing there. */
function changesNothing(field: keyof DecoderConfig, config: DecoderConfig, family: ModelFamily | null): boolean {
  return family !== null && (field === 'ropeTheta' || field === 'ropeInterleaved') && config.positions !== 'rope';
}

/** @throws CheckpointError unless the files give the configuration and the values that they were made of. */
async function compareReadBack(
  files: ReadonlyMap<string, Uint8Array>,
  config: DecoderConfig,
  parameters: ReadonlyMap<string, HostParameter>,
  dtype: 'F32' | 'F16',
  family: ModelFamily | null,
): Promise<void> {
  const read = await readHuggingFace({ read: async (name) => files.get(name) ?? null });
  for (const field of Object.keys(config) as (keyof DecoderConfig)[]) {
    const [back, given] = [read.config[field], config[field]];
    if (JSON.stringify(back) === JSON.stringify(given) || changesNothing(field, config, family)) continue;
    const message = `export: ${field} must come back as ${shown(given)}, got ${shown(back)}. This configuration cannot be exported.`;
    throw new CheckpointError(message, { field });
  }
  for (const [name, { data }] of parameters) {
    const back = read.parameters.get(name)?.data;
    const at = back ? firstDifference(data, back, dtype) : 0;
    if (at === null) continue;
    const cure = dtype === 'F16' ? 'Export it as F32.' : 'The file would not hold this model.';
    const message = `export: ${name}[${at}] must come back as ${data[at]}, got ${back?.[at]}. ${cure}`;
    throw new CheckpointError(message, { name, at });
  }
}

/** Position of the first value that is not the other's, up to the rounding of `dtype`; null when all are. */
function firstDifference(values: ArrayLike<number>, back: ArrayLike<number>, dtype: 'F32' | 'F16'): number | null {
  if (values.length !== back.length) return Math.min(values.length, back.length);
  for (let i = 0; i < values.length; i++) {
    if (Object.is(values[i], back[i])) continue;
    // Half precision keeps 11 bits of a normal number and steps of 2^-24 below; NaN and overflow fail both comparisons.
    const rounding = dtype === 'F16' ? Math.max(2 ** -11 * Math.abs(values[i]), 2 ** -25) : 0;
    if (!(Math.abs(values[i] - back[i]) <= rounding)) return i;
  }
  return null;
}
