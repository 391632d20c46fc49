import { enableDTypes } from '../plan/dtype-support.ts';
import type { FloatDType } from '../plan/dtype-table.ts';
import { specialize } from '../plan/specialize.ts';

/** Sets a shader's element aliases (`Element`, `Gradient`), and enables the extensions they need. */
export function withElementTypes(shader: string, aliases: Readonly<Record<string, FloatDType>>): string {
  return enableDTypes(specialize(shader, aliases), Object.values(aliases));
}
