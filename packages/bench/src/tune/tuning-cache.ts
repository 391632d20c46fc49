import type { KernelTuning, TuningTables } from '@modajs/kernels';
import { DataError } from '@modajs/tensor';

/** A file or database record of tunings by `tuningKey`. */
export interface TuningCache {
  readonly version: typeof TUNING_CACHE_VERSION;
  readonly adapters: TuningTables;
}

/** Raised when kernels change so that old optima or configurations mean nothing. */
export const TUNING_CACHE_VERSION = 1;

/** A cache with one device's tuning renewed. */
export function withTuning(tables: TuningTables, key: string, tuning: KernelTuning): TuningCache {
  return { version: TUNING_CACHE_VERSION, adapters: { ...tables, [key]: tuning } };
}

/** A cache without one device's tuning. */
export function withoutTuning(tables: TuningTables, key: string): TuningCache {
  const adapters = Object.fromEntries(Object.entries(tables).filter(([other]) => other !== key));
  return { version: TUNING_CACHE_VERSION, adapters };
}

/**
 * The tables of a cache.
 *
 * @param value parsed JSON
 * @throws DataError for another version, or anything that no search wrote: such a cache must be ignored as a whole
 */
export function readTuningCache(value: unknown): TuningTables {
  if (!isRecord(value)) throw damaged('an object', typeof value);
  if (value['version'] !== TUNING_CACHE_VERSION) {
    throw new DataError(
      `tuning: the cache must have version ${TUNING_CACHE_VERSION}, got ${String(value['version'])}. Run moda tune again.`,
      { version: value['version'] },
    );
  }
  const { adapters } = value;
  if (!isRecord(adapters)) throw damaged('adapters', typeof adapters);
  for (const [key, tuning] of Object.entries(adapters)) {
    if (!isRecord(tuning) || !isRecord(tuning['matmul']) || !isRecord(tuning['attention'])) {
      throw damaged('matmul and attention for each adapter', key);
    }
    for (const [name, config] of Object.entries(tuning['matmul'])) {
      if (!isMatmulConfig(config)) throw damaged(`a configuration of matmul for "${name}"`, JSON.stringify(config));
    }
    for (const [name, config] of Object.entries(tuning['attention'])) {
      if (!isAttentionConfig(config))
        throw damaged(`a configuration of attention for "${name}"`, JSON.stringify(config));
    }
  }
  return adapters as unknown as TuningTables;
}

function damaged(rule: string, got: string): DataError {
  return new DataError(`tuning: the cache must hold ${rule}, got ${got}. Run moda tune again.`);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const SIZES: Readonly<Record<string, readonly string[]>> = {
  naive: [],
  gemv: ['columns', 'lanes', 'groups', 'splitK'],
  tile: ['blockM', 'blockN', 'blockK', 'stages', 'splitK', 'threadM', 'threadN'],
  'subgroup-matrix': ['blockM', 'blockN', 'blockK', 'stages', 'splitK', 'subgroupM', 'subgroupN'],
};

function isMatmulConfig(value: unknown): boolean {
  if (!isRecord(value) || typeof value['kind'] !== 'string') return false;
  const sizes = SIZES[value['kind']];
  if (!sizes?.every((size) => isSize(value[size]))) return false;
  if (value['kind'] !== 'subgroup-matrix') return true;
  const { fragment, prefetch } = value;
  return Array.isArray(fragment) && fragment.length === 3 && fragment.every(isSize) && typeof prefetch === 'boolean';
}

function isAttentionConfig(value: unknown): boolean {
  if (!isRecord(value)) return false;
  return Object.entries(value).every(([key, part]) => {
    if (key === 'sequence') return part === 'rows' || part === 'tile';
    if (key === 'depth') return part === 'matrix';
    if (key === 'depthSubgroups') return isSize(part);
    const isTile = isRecord(part) && ['subgroups', 'fragments', 'block'].every((size) => isSize(part[size]));
    return ['forward', 'dq', 'dkv'].includes(key) && isTile;
  });
}

function isSize(value: unknown): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 1 && value <= 2 ** 16;
}
