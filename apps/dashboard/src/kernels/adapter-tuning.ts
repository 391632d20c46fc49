import { tuningDatabase, tuningKey } from '@modajs/bench';
import { findAdapter, isSoftwareAdapter } from '../shell/detect-device.ts';
import type { AdapterTuning } from './tuned-choice.ts';

/** Looks for the adapter that the device `webgpu` opens, and for what this browser keeps for it. */
export async function loadAdapterTuning(): Promise<AdapterTuning> {
  const found = await findAdapter();
  if (typeof found === 'string') return { kind: 'none', because: found };
  const adapter = { kind: 'adapter', key: tuningKey(found.info), isSoftware: isSoftwareAdapter(found.info) } as const;
  try {
    const tables = await tuningDatabase(indexedDB).load();
    return { ...adapter, table: tables[adapter.key] ?? null, error: null };
  } catch (error) {
    return { ...adapter, table: null, error: error instanceof Error ? error.message : String(error) };
  }
}
