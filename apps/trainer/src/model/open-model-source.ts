import { stat } from 'node:fs/promises';
import type { Device } from '@modajs/tensor';
import { findRunFolder, runFolder } from '../run/run-folder.ts';
import { openGgufModel } from './gguf-model.ts';
import { isHuggingFaceFolder, openHubModel, openHuggingFaceFolder } from './hugging-face-model.ts';
import { type LoadedModel, loadModel, type ModelSource } from './model-source.ts';
import { openRunModel } from './run-model.ts';

/** Where runs are looked for, and which weights of a run are meant. */
export interface ModelSourceOptions {
  /** Folder that runs are kept in. */
  readonly out: string;
  /** A checkpoint's step; the newest whole one by default. */
  readonly step?: number;
  /** The moving average of the weights. */
  readonly average?: boolean;
}

/** `owner/name` of the hub. */
const REPOSITORY = /^[\w.-]+\/[\w.-]+$/;

/** What names a model, for the help of commands. */
export const MODEL_NAMES =
  "a run, its folder, a folder of Hugging Face's files, a .gguf file, or owner/name of the hub";

/** Whether a name is that of a GGUF file. */
export function isGguf(name: string): boolean {
  return /\.gguf$/i.test(name);
}

/**
 * The model that a name stands for, the same in every command: a `.gguf` file; a folder of Hugging Face's files; a run, by its
 * folder or its name below `out`; else a repository `owner/name` of the hub. The caller closes it.
 *
 * @throws ConfigError when there is no such model, CheckpointError when its files are not whole
 */
export async function openModelSource(name: string, options: ModelSourceOptions): Promise<ModelSource> {
  if (isGguf(name)) return openGgufModel(name);
  if (await isHuggingFaceFolder(name)) return openHuggingFaceFolder(name);
  const run = await runFolder(options.out, name);
  if (run !== null) return openRunModel(run, options);
  const isHere = (await stat(name).catch(() => null)) !== null;
  if (!isHere && REPOSITORY.test(name)) return openHubModel(name);
  return openRunModel(await findRunFolder(options.out, name), options);
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
