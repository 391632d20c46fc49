import { assign, CheckpointError, type HostArray, QuantizedMatrix, type Tensor } from '@modajs/tensor';

/** Values for parameters by name: host arrays with shapes, as `readSafetensors` gives them. */
export type ParameterSource = ReadonlyMap<string, HostParameter> | Readonly<Record<string, HostParameter>>;

/** One parameter on the host, row-major. */
export interface HostParameter {
  readonly shape: readonly number[];
  readonly data: HostArray;
}

/** One parameter in a file: read when asked for. */
export interface StoredParameter {
  readonly shape: readonly number[];
  read(): Promise<HostParameter>;
  /** Of a matrix that is stored in blocks: they may be kept as they are (`QuantizedMatrix`). */
  readonly quantized?: StoredBlocks;
}

/** Blocks of a matrix in a file. */
export interface StoredBlocks {
  readonly format: QuantizedMatrix['format'];
  /** As `QuantizedMatrix.load` takes them. */
  read(): Promise<Uint8Array>;
}

/**
 * Uploads values over `parameters`, after all names and shapes were compared.
 *
 * @throws CheckpointError naming the first parameter that is missing, unknown or of another shape
 */
export function loadParameters(parameters: Readonly<Record<string, Tensor>>, source: ParameterSource): void {
  const values = new Map<string, HostParameter>(source instanceof Map ? source : Object.entries(source));
  compare(parameters, values);
  for (const [name, parameter] of Object.entries(parameters)) assign(parameter, values.get(name)!.data);
}

/**
 * As `loadParameters`, reading one parameter at a time, in order, and letting go of it before the next. Quantized matrices take the
 * file's blocks.
 *
 * @throws CheckpointError; after one that comes from `read`, some parameters have new values and others not
 */
export async function readParameters(
  parameters: Readonly<Record<string, Tensor | QuantizedMatrix>>,
  source: ReadonlyMap<string, StoredParameter>,
): Promise<void> {
  compare(parameters, source);
  let waiting = 0;
  for (const [name, parameter] of Object.entries(parameters)) {
    const stored = source.get(name)!;
    if (parameter instanceof QuantizedMatrix) parameter.load(await blocksOf(name, stored, parameter.format));
    else assign(parameter, (await stored.read()).data);
    waiting += parameter.shape.reduce((product, extent) => product * extent, 1);
    // A GPU's queue holds a copy of what was written until it has run.
    if (waiting < WAITING) continue;
    await parameter.device.synchronize();
    waiting = 0;
  }
}

async function blocksOf(
  name: string,
  { quantized }: StoredParameter,
  format: StoredBlocks['format'],
): Promise<Uint8Array> {
  if (quantized?.format === format) return quantized.read();
  throw new CheckpointError(
    `loadParameters: ${name} must be stored in blocks of ${format}, got ${quantized?.format ?? 'plain numbers'}. Load it dequantized.`,
    { name },
  );
}

/** Numbers that may wait in a device's queue. */
const WAITING = 1 << 24;

function compare(
  parameters: Readonly<Record<string, { readonly shape: readonly number[] }>>,
  values: ReadonlyMap<string, { readonly shape: readonly number[] }>,
): void {
  for (const [name, parameter] of Object.entries(parameters)) {
    const value = values.get(name);
    if (!value) {
      throw new CheckpointError(
        `loadParameters: ${name} must be in the file, got ${values.size} other tensors. Was it saved with another configuration?`,
        { name },
      );
    }
    if (value.shape.join() !== parameter.shape.join()) {
      throw new CheckpointError(
        `loadParameters: ${name} is [${value.shape}] in the file but [${parameter.shape}] in the model. Use the configuration it was saved with.`,
        { name, file: value.shape, model: parameter.shape },
      );
    }
  }
  for (const name of values.keys()) {
    if (!(name in parameters)) {
      throw new CheckpointError(
        `loadParameters: every tensor of the file must be a parameter, got ${name}. Use the configuration it was saved with.`,
        { name },
      );
    }
  }
}
