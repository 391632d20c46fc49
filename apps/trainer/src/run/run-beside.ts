import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { countParameters, type DecoderConfig } from '@modajs/models';
import { type RunBeside, type RunConfig, readMetrics, type SavedConfig } from '@modajs/train';
import { FolderStorage } from '@modajs/train/node';
import { compact } from '../terminal/format.ts';
import { readSavedConfig } from './saved-config.ts';

/**
 * A finished run in the same folder whose settings differ from a run's in nothing but the depth mechanism, for its report. Of
 * several the one whose name comes last. Folders that cannot be read are passed over.
 */
export async function findRunBeside(
  folder: string,
  { config, model }: { readonly config: RunConfig; readonly model: DecoderConfig },
): Promise<RunBeside | undefined> {
  const out = dirname(folder);
  const names = await readdir(out).catch(() => [] as string[]);
  for (const name of names.sort().reverse()) {
    const other = join(out, name);
    const saved = other === folder ? null : await readSavedConfig(other).catch(() => null);
    if (saved === null || !differsInDepthAlone(saved, { run: config, model, origin: null })) continue;
    const metrics = await readMetrics(new FolderStorage(other));
    const last = metrics.at(-1);
    if (last?.step !== config.training.steps || last.heldOutBitsPerByte === undefined) continue;
    const { kind } = saved.model.depth;
    return { name: kind, label: `${name} (${kind}, ${compact(countParameters(saved.model))} parameters)`, metrics };
  }
  return undefined;
}

function differsInDepthAlone(a: SavedConfig, b: SavedConfig): boolean {
  const trained = ({ run, model, origin }: SavedConfig) => {
    const { name, model: _, device, threads, logging, samples, checkpoint, ...settings } = run;
    const { depth, ...shape } = model;
    return { settings, shape, origin };
  };
  return a.model.depth.kind !== b.model.depth.kind && isDeepStrictEqual(trained(a), trained(b));
}
