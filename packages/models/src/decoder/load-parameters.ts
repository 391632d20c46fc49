import { assign, CheckpointError, type HostArray, type Tensor } from '@modajs/tensor';

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
 * As `loadParameters`, reading one parameter at a time and letting go of it before the next.
 *
 * @throws CheckpointError; after one that comes from `read`, some parameters have new values and others not
 */
export async function readParameters(
  parameters: Readonly<Record<string, Tensor>>,
  source: ReadonlyMap<string, StoredParameter>,
): Promise<void> {
  compare(parameters, source);
  let waiting = 0;
  for (const [name, parameter] of Object.entries(parameters)) {
    assign(parameter, (await source.get(name)!.read()).data);
    waiting += parameter.size;
    // A GPU's queue holds a copy of what was written until it has run.
    if (waiting < WAITING) continue;
    await parameter.device.synchronize();
    waiting = 0;
  }
}

/** Numbers that may wait in a device's queue. */
const WAITING = 1 << 24;

function compare(
  parameters: Readonly<Record<string, Tensor>>,
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
