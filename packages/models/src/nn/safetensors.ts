import { type HostArray, readSafetensors, writeSafetensors } from '@modajs/tensor';
import type { Module } from './module.ts';

// Functions, not methods of `Module`: a page that keeps no files does not load their format.

/** A module's values as a safetensors file, in F32, named as `namedParameters` names them. */
export async function toSafetensors(module: Module): Promise<Uint8Array> {
  const tensors: Record<string, { dtype: 'F32'; shape: readonly number[]; data: HostArray }> = {};
  for (const [name, { shape, data }] of await module.stateDict()) tensors[name] = { dtype: 'F32', shape, data };
  return writeSafetensors(tensors);
}

/**
 * Replaces a module's values by those of a safetensors file.
 *
 * @throws CheckpointError for a file that is none, and when a value is missing, unknown or of another shape; nothing is changed then
 */
export function loadSafetensors(module: Module, file: Uint8Array): void {
  module.loadStateDict(new Map(readSafetensors(file).tensors));
}
