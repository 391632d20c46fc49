import type { Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, join, normalize, sep } from 'node:path';
import { ConfigError, type Device } from '@modajs/tensor';
import { findRunFolder, runFolder } from '../run/run-folder.ts';
import { isPeftFolder, peftBase, readPeftFolder } from './adapter-files.ts';
import { openGgufModel } from './gguf-model.ts';
import { isHuggingFaceFolder, openHubModel, openHuggingFaceFolder } from './hugging-face-model.ts';
import { type LoadedModel, loadModel, type ModelSource } from './model-source.ts';
import { openRunModel } from './run-model.ts';

/** Where runs are looked for, and which weights of a run are meant. */
export interface ModelSourceOptions {
  /** Folder that runs are kept in. */
  readonly out: string;
  /** A checkpoint's step, or `best`; the newest whole one by default. */
  readonly step?: number | 'best';
  /** The moving average of the weights. */
  readonly average?: boolean;
}

/** `owner/name` of the hub: neither begins with a dot, as a path may. */
const REPOSITORY = /^[\w-][\w.-]*\/[\w-][\w.-]*$/;
/** A path and nothing else: absolute, from here, from above or from home, with a drive, backslashes, or a `/` at its end. */
const PATH = /^[./~]|^[a-z]:|[\\]|\/$/i;

/** What names a model, for the help of commands. */
export const MODEL_NAMES =
  "a run, its folder, a folder of Hugging Face's files, a .gguf file, or owner/name of the hub";

/** Whether a name is that of a GGUF file. */
export function isGguf(name: string): boolean {
  return /\.gguf$/i.test(name);
}

/**
 * The model that a name stands for, the same in every command: a `.gguf` file; a folder of Hugging Face's files, or of an
 * adapter in PEFT's; a run, by its folder or its name below `out`; else a repository `owner/name` of the hub. The caller closes it.
 *
 * @throws ConfigError when there is no such model, CheckpointError when its files are not whole
 */
export async function openModelSource(name: string, options: ModelSourceOptions): Promise<ModelSource> {
  return openNested(name, options, 0);
}

/** Models with an adapter stand on others; names that lead back to themselves end here. */
const MAX_DEPTH = 8;

async function openNested(name: string, options: ModelSourceOptions, depth: number): Promise<ModelSource> {
  if (depth > MAX_DEPTH) {
    throw new ConfigError(
      `model: ${name} must stand on a model, got adapters of adapters without end. Check their bases.`,
    );
  }
  const openBase = (base: string) => openNested(base, { out: options.out }, depth + 1);
  if (isGguf(name)) return openGgufModel(name);
  if (await isHuggingFaceFolder(name)) return openHuggingFaceFolder(name);
  if (await isPeftFolder(name)) return withAdapter(await openBase(await peftBase(name)), name);
  const run = await runFolder(options.out, name);
  if (run !== null) return openRunModel(run, options, openBase);
  await requireModelFolder(name, options.out);
  if ((await fileAt(name)) === null && REPOSITORY.test(name) && !isBelow(options.out, name)) return openHubModel(name);
  return openRunModel(await findRunFolder(options.out, name), options, openBase);
}

/** @throws ConfigError for a path where there is nothing, or no model */
async function requireModelFolder(name: string, out: string): Promise<void> {
  const found = await fileAt(name);
  if (found === null && !PATH.test(name) && !isBelow(out, name)) return;
  if (found === null)
    throw new ConfigError(`model: ${name} must be a folder or a .gguf file, got nothing there. Check the path.`, {
      path: name,
    });
  const what = found.isDirectory() ? 'a folder with none of them' : 'a file of another kind';
  throw new ConfigError(
    `model: ${name} must have a run's config.json, Hugging Face's model.safetensors or PEFT's adapter_config.json, or end in .gguf, got ${what}. Check the path.`,
    { path: name },
  );
}

function fileAt(path: string): Promise<Stats | null> {
  return stat(path).catch(() => null);
}

/** Whether a path is written as one that leads into a folder. */
function isBelow(folder: string, path: string): boolean {
  return normalize(path).startsWith(join(folder, sep));
}

/** A model with the adapter of a folder. */
function withAdapter(base: ModelSource, folder: string): ModelSource {
  return {
    ...base,
    name: basename(folder),
    origin: base.name,
    values: async () => ({ ...(await base.values()), label: basename(folder) }),
    adapters: async () => [...(await base.adapters()), await readPeftFolder(folder, base.config)],
  };
}

/** `loadModel` of a name. */
export async function loadNamedModel(name: string, options: ModelSourceOptions, device: Device): Promise<LoadedModel> {
  const source = await openModelSource(name, options);
  try {
    return await loadModel(source, device);
  } finally {
    await source.close();
  }
}
