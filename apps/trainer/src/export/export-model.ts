import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { type GgufStorage, writePeft } from '@modajs/models';
import { saveModelFolder } from '@modajs/models/node';
import { ConfigError, unknownName } from '@modajs/tensor';
import { writeWhole } from '../commands/eval-files.ts';
import type { ModelSource } from '../model/model-source.ts';
import { openModelSource } from '../model/open-model-source.ts';
import { bytes } from '../terminal/format.ts';
import { ggufBytes } from './gguf-bytes.ts';
import { hostValues } from './host-values.ts';
import { type ExportedModel, huggingFaceFiles } from './hugging-face-files.ts';

/** What `moda export` writes. */
export const exportFormats = ['hugging-face', 'safetensors', 'gguf', 'peft'] as const;

/** How `moda export` stores numbers; those in blocks are GGUF's alone. */
export const exportDtypes = ['f32', 'f16', 'q8_0', 'q4_0'] as const;

/** Options of `moda export`. */
export interface ExportOptions {
  readonly format?: (typeof exportFormats)[number];
  readonly output: string;
  readonly dtype: (typeof exportDtypes)[number];
  readonly merge?: boolean;
  readonly overwrite?: boolean;
  readonly out: string;
  readonly step?: number | 'best';
  readonly average?: boolean;
}

/** Writes a model in another form; what was written is read back and compared before anything has its name. @throws ConfigError, CheckpointError */
export async function exportModel(name: string, options: ExportOptions): Promise<void> {
  const { output, overwrite = false, format = formatOf(output) } = options;
  if ((options.dtype === 'q8_0' || options.dtype === 'q4_0') && format !== 'gguf') {
    throw new ConfigError(`export: dtype ${options.dtype} needs --format gguf, got ${format}. Use f16 or f32.`);
  }
  if (!overwrite && (await stat(output).catch(() => null))) {
    throw new ConfigError(`export: ${output} must not be there yet. Use another --output, or --overwrite.`, { output });
  }
  const source = await openModelSource(name, options);
  try {
    const files = await filesOf(source, format, options);
    if (files instanceof Uint8Array) await writeWhole(output, files);
    else await writeFolder(output, files);
    const all = files instanceof Uint8Array ? [files] : [...files.values()];
    const size = all.reduce((sum, { length }) => sum + length, 0);
    console.log(`${output}: ${format}, ${bytes(size)}, read back and compared`);
  } finally {
    await source.close();
  }
}

function formatOf(output: string): (typeof exportFormats)[number] {
  if (/\.gguf$/i.test(output)) return 'gguf';
  return /\.safetensors$/i.test(output) ? 'safetensors' : 'hugging-face';
}

async function filesOf(
  source: ModelSource,
  format: (typeof exportFormats)[number],
  { dtype, merge = false }: ExportOptions,
): Promise<ReadonlyMap<string, Uint8Array> | Uint8Array> {
  if (format === 'peft') return adapterFiles(source);
  const model: ExportedModel = {
    name: source.name,
    config: source.config,
    text: await source.text(),
    values: await hostValues(source, merge),
    origin: source.origin,
  };
  const floats = dtype === 'f16' ? 'F16' : 'F32';
  switch (format) {
    case 'hugging-face':
      return huggingFaceFiles(model, floats);
    case 'safetensors':
      return (await huggingFaceFiles(model, floats)).get('model.safetensors')!;
    case 'gguf':
      return ggufBytes(model, dtype.toUpperCase() as GgufStorage);
    default:
      return unknownName('format', format);
  }
}

async function adapterFiles(source: ModelSource): Promise<ReadonlyMap<string, Uint8Array>> {
  const adapter = (await source.adapters()).at(-1);
  if (adapter !== undefined) return writePeft(source.config, adapter, adapter);
  throw new ConfigError(
    `export: ${source.name} must have an adapter for --format peft, it has none. Train with --lora.`,
  );
}

/** All files or none: the folder gets its name when it is whole; one that is there gets each file whole. */
async function writeFolder(path: string, files: ReadonlyMap<string, Uint8Array>): Promise<void> {
  if (await stat(path).catch(() => null)) return saveModelFolder(path, files);
  await mkdir(dirname(path), { recursive: true });
  const partial = join(dirname(path), `.${basename(path)}.${process.pid}.partial`);
  try {
    await saveModelFolder(partial, files);
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
}
