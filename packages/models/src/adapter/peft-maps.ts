import type { DecoderConfig } from '../config/decoder-config.ts';
import { familyNames, familyOf } from '../io/hugging-face/model-family.ts';
import { llamaNames, type NameTable, phi3Names } from '../io/names/name-table.ts';
import { storedMap } from '../io/names/stored-names.ts';
import { adaptableMaps } from './lora-config.ts';
import type { Layout } from './low-rank-parts.ts';

/** A linear map as a family stores it, which PEFT adapts as one. */
export interface PeftMap extends Layout {
  /** Stored name. */
  readonly stored: string;
  /** The same below its block: what `target_modules` and patterns match the ends of names with. */
  readonly inBlock: string;
  /** Our maps that lie there, in order. */
  readonly parts: readonly string[];
  readonly inputs: number;
}

/** The maps that adapters of a model are written for, by its family's names. */
export function peftMaps(model: DecoderConfig): readonly PeftMap[] {
  return mapsOf(model, tableOf(model));
}

/** The maps that adapters of a model may be for, by stored name. A Phi 3 that turns whole heads has a Llama's fields, and names of its own. */
export function readablePeftMaps(model: DecoderConfig): ReadonlyMap<string, PeftMap> {
  const table = tableOf(model);
  const all = [...(table === llamaNames ? mapsOf(model, phi3Names) : []), ...mapsOf(model, table)];
  return new Map(all.map((map) => [map.stored, map]));
}

function tableOf(model: DecoderConfig): NameTable {
  const family = familyOf(model);
  return family === null ? llamaNames : familyNames(family);
}

function mapsOf(model: DecoderConfig, table: NameTable): readonly PeftMap[] {
  const sizes = adaptableMaps(model);
  const maps = new Map<string, PeftMap>();
  for (const [map, [, inputs]] of sizes) {
    const { name, parts, layout } = storedMap(table, model, map);
    const rows = parts.map((part) => sizes.get(part)![0]);
    const inBlock = name.slice(name.search(/\.\d+\./)).replace(/^\.\d+\./, '');
    maps.set(name, { stored: name, inBlock, parts, layout, rows, headDim: model.headDim, inputs });
  }
  return [...maps.values()];
}

/** Ends of stored names that tell a map from the others: `c_attn`, but `attn.c_proj` beside `mlp.c_proj`. */
export function targetModules(maps: readonly PeftMap[], adapted: ReadonlySet<string>): readonly string[] {
  const last = (path: string): string => path.slice(path.lastIndexOf('.') + 1);
  const all = new Set(maps.map(({ inBlock }) => inBlock));
  return [...adapted].map((inBlock) => {
    const isAlone = [...all].every((other) => other === inBlock || last(other) !== last(inBlock));
    return isAlone ? last(inBlock) : inBlock;
  });
}
