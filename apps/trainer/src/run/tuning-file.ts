import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { readTuningCache, withTuning } from '@modajs/bench';
import type { KernelTuning, TuningTables } from '@modajs/kernels';
import { DataError, type DeviceName } from '@modajs/tensor';

/** Where `moda tune` keeps what it found: `$XDG_CACHE_HOME/moda/tune.json`, `~/.cache` without that variable. */
export function tuningFile(): string {
  return join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'moda', 'tune.json');
}

/** The `tuning` option of `init` for a device; nothing for those without kernels to choose. */
export async function loadTuning(device: DeviceName): Promise<{ tuning?: TuningTables }> {
  if (device === 'cpu' || device === 'reference') return {};
  const tuning = await readTuningFile();
  return Object.keys(tuning).length > 0 ? { tuning } : {};
}

/** The tables on disk; none without a file. A damaged or foreign file is ignored with one line of warning. */
export async function readTuningFile(): Promise<TuningTables> {
  const file = tuningFile();
  try {
    return readTuningCache(JSON.parse(await readFile(file, 'utf8')));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    const isForeseen = error instanceof DataError || error instanceof SyntaxError || 'code' in (error as object);
    if (!isForeseen) throw error;
    const { message } = error as Error;
    console.error(`warning: ${file} is ignored: ${message.replaceAll('\n', ' ')}`);
    return {};
  }
}

/** Keeps a device's tuning beside those of others. The file is whole at every moment. */
export async function saveTuning(key: string, tuning: KernelTuning): Promise<string> {
  const file = tuningFile();
  const cache = withTuning(await readTuningFile(), key, tuning);
  await mkdir(dirname(file), { recursive: true });
  const partial = `${file}.${process.pid}`;
  await writeFile(partial, `${JSON.stringify(cache, null, 1)}\n`);
  await rename(partial, file);
  return file;
}
