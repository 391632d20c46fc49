import { CheckpointError } from '@modajs/tensor';
import type { DecoderConfig } from '../../config/decoder-config.ts';
import type { HostParameter } from '../../decoder/load-parameters.ts';
import { decoderSpecs } from '../../parameters/decoder-specs.ts';
import type { ParameterSpec } from '../../parameters/parameter-spec.ts';
import { headRowsOf, lazily, raised, rowsOf, stackedHeadRows, stackedRows, transposed } from '../rows.ts';
import type { FusedTensor, NameTable } from './name-table.ts';

type Parameters = ReadonlyMap<string, HostParameter>;

/** Where one of our parameters is stored. */
interface Place {
  /** Stored name without the table's prefix. */
  readonly name: string;
  readonly hasPrefix: boolean;
  /** The fused tensor it is part of, and which part; null where it stands alone. */
  readonly fused: { readonly tensor: FusedTensor; readonly part: number; readonly block: string } | null;
  readonly isTransposed: boolean;
  readonly offset: number;
}

function placeOf(name: string, { role, shape }: ParameterSpec, table: NameTable): Place {
  const end = name.lastIndexOf('.');
  const [path, kind] = [name.slice(0, end), name.slice(end)];
  const offset = role === 'norm' ? table.normOffset : 0;
  const [, layer, inBlock] = /^model\.layers\.(\d+)\.(.+)$/.exec(path) ?? [];
  if (layer === undefined) {
    const isOutput = path === 'lm_head';
    const theirs = isOutput ? table.output : (table.outside[path] ?? path.slice('model.'.length));
    return { name: theirs + kind, hasPrefix: !isOutput, fused: null, isTransposed: false, offset };
  }
  const block = `model.layers.${layer}.`;
  const tensor = table.fused.find(({ parts }) => parts.includes(inBlock)) ?? null;
  const theirs = tensor?.stored ?? table.inBlock[inBlock] ?? inBlock;
  return {
    name: `${table.blocks}${layer}.${theirs}${kind}`,
    hasPrefix: true,
    fused: tensor && { tensor, part: tensor.parts.indexOf(inBlock), block },
    isTransposed: table.transposes && shape.length === 2,
    offset,
  };
}

/**
 * The parameters of a model by our names, from a checkpoint's tensors: cut out of fused ones, turned and raised as the family's
 * table says, each when its data are asked for.
 *
 * @throws CheckpointError naming a tensor that is missing, that is of another shape, or that the family does not have
 */
export function fromStoredNames(
  table: NameTable,
  config: DecoderConfig,
  tensors: Parameters,
): Map<string, HostParameter> {
  // Before the names of a million blocks are made: every block has tensors of its own.
  if (tensors.size < config.nLayers) {
    throw new CheckpointError(
      `checkpoint: ${table.blocks}${config.nLayers - 1} must be in the file, got ${tensors.size} other tensors. Is a shard missing?`,
      { blocks: config.nLayers },
    );
  }
  const specs = decoderSpecs(config);
  const read = new Set<string>();
  const ours = new Map<string, HostParameter>();
  for (const [name, spec] of Object.entries(specs)) {
    const place = placeOf(name, spec, table);
    const stored = find(place, table, tensors, read);
    const rows = place.fused?.tensor.parts.map((part) => rowsIn(specs, place, part, name)) ?? [spec.shape[0]];
    const whole = [rows.reduce((sum, count) => sum + count, 0), ...spec.shape.slice(1)];
    const expected = place.isTransposed ? whole.toReversed() : whole;
    if (stored.shape.join() !== expected.join()) {
      throw new CheckpointError(
        `checkpoint: ${place.name} is [${stored.shape}] in the file but must be [${expected}] in this model. Does config.json belong to it?`,
        { name: place.name, file: stored.shape, model: expected },
      );
    }
    ours.set(
      name,
      lazily(spec.shape, () => partOf(stored, place, rows, config)),
    );
  }
  for (const name of tensors.keys()) {
    if (read.has(name) || table.ignored.test(name) || (config.tieEmbeddings && name === `${table.output}.weight`))
      continue;
    throw new CheckpointError(
      `checkpoint: every tensor must be a parameter of this model, got ${name}. What it does is not known here.`,
      { name },
    );
  }
  return ours;
}

function find(place: Place, table: NameTable, tensors: Parameters, read: Set<string>): HostParameter {
  const names = place.hasPrefix ? [table.prefix + place.name, place.name] : [place.name];
  const known = names.find((name) => tensors.has(name));
  if (known === undefined) {
    throw new CheckpointError(
      `checkpoint: ${names[0]} must be in the file, got ${tensors.size} other tensors. Is a shard missing?`,
      { name: names[0] },
    );
  }
  read.add(known);
  return tensors.get(known)!;
}

/** Rows of a part of a fused tensor; `name` is one of its parameters. */
function rowsIn(specs: Readonly<Record<string, ParameterSpec>>, { fused }: Place, part: string, name: string): number {
  return specs[`${fused!.block}${part}${name.slice(name.lastIndexOf('.'))}`].shape[0];
}

function partOf(stored: HostParameter, place: Place, rows: readonly number[], config: DecoderConfig): HostParameter {
  const whole = place.isTransposed ? transposed(stored) : stored;
  if (place.fused) {
    const { tensor, part } = place.fused;
    if (tensor.layout === 'heads') return headRowsOf(whole, config.headDim, tensor.parts.length, part);
    const start = rows.slice(0, part).reduce((sum, count) => sum + count, 0);
    return rowsOf(whole, start, start + rows[part]);
  }
  return place.offset === 0 ? whole : raised(whole, place.offset);
}

/** Where a linear map of a block is stored: name without `.weight`, and all maps that lie there, in order. */
export function storedMap(
  table: NameTable,
  config: DecoderConfig,
  map: string,
): { readonly name: string; readonly parts: readonly string[]; readonly layout: FusedTensor['layout'] } {
  const { name, fused } = placeOf(`${map}.weight`, decoderSpecs(config)[`${map}.weight`], table);
  const parts = fused?.tensor.parts.map((part) => fused.block + part) ?? [map];
  return { name: (table.prefix + name).replace(/\.weight$/, ''), parts, layout: fused?.tensor.layout ?? 'rows' };
}

/** The inverse of `fromStoredNames`. */
export function toStoredNames(table: NameTable, config: DecoderConfig, ours: Parameters): Map<string, HostParameter> {
  const stored = new Map<string, HostParameter>();
  for (const [name, spec] of Object.entries(decoderSpecs(config))) {
    const place = placeOf(name, spec, table);
    const theirs = (place.hasPrefix ? table.prefix : '') + place.name;
    if (stored.has(theirs)) continue;
    const whole = place.fused ? fusedOf(place.fused, name, ours, config) : ours.get(name)!;
    const lowered = place.offset === 0 ? whole : raised(whole, -place.offset);
    stored.set(theirs, place.isTransposed ? transposed(lowered) : lowered);
  }
  return stored;
}

function fusedOf(
  { tensor, block }: NonNullable<Place['fused']>,
  name: string,
  ours: Parameters,
  { headDim }: DecoderConfig,
): HostParameter {
  const parts = tensor.parts.map((part) => ours.get(`${block}${part}${name.slice(name.lastIndexOf('.'))}`)!);
  return tensor.layout === 'heads' ? stackedHeadRows(parts, headDim) : stackedRows(parts);
}
