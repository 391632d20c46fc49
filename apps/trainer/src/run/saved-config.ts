import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError } from '@modajs/tensor';
import { parseSavedConfig, type RawConfig, type SavedConfig } from '@modajs/train';
import { CONFIG_FILE } from './run-folder.ts';

/** Reads a run's configuration, with later settings on top. @throws ConfigError */
export async function readSavedConfig(folder: string, overrides: RawConfig = {}): Promise<SavedConfig> {
  const path = join(folder, CONFIG_FILE);
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new ConfigError(`run: ${path} must be readable, got ${error.code}. Is ${folder} a run?`, { path });
  });
  return parseSavedConfig(text, path, overrides);
}
