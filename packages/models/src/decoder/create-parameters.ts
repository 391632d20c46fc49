import {
  asParameter,
  ConfigError,
  type Device,
  type DType,
  defaultDevice,
  isDecayed,
  packedZeros,
  type Tensor,
  unknownName,
  withoutScope,
} from '@modajs/tensor';
import type { ParameterSpec, ParameterSpecs } from '../parameters/parameter-spec.ts';

/** Where parameters live and how they start. */
export interface ParameterOptions {
  readonly device?: Device;
  /** f32 by default. */
  readonly dtype?: DType;
  /**
   * Seed of the initial values, 0 to 2^32 - 1; 0 by default. A parameter's values depend on the seed, its name and its shape
   * alone: what two models share by name starts equal in both.
   */
  readonly seed?: number;
  /** Parameters that never change get no gradients. */
  readonly isFrozen?: boolean;
}

/**
 * Fresh parameters by name, marked for gradients, side by side in memory: first what optimisers decay (`isDecayed`), then the
 * rest. They belong to no scope: the model disposes of them.
 */
export function createParameters(specs: ParameterSpecs, options: ParameterOptions = {}): Record<string, Tensor> {
  const { seed = 0, dtype = 'f32', device = defaultDevice(), isFrozen = false } = options;
  const names = Object.keys(specs);
  const packed = [
    ...names.filter((name) => isDecayed(specs[name].role)),
    ...names.filter((name) => !isDecayed(specs[name].role)),
  ];
  const shapes = packed.map((name) => specs[name].shape);
  const zeros = withoutScope(() => packedZeros(device, shapes, dtype));
  const memory = new Map(packed.map((name, i) => [name, zeros[i]]));
  const parameters: Record<string, Tensor> = {};
  for (const name of names) {
    const parameter = memory.get(name)!;
    initialize(parameter, specs[name], seedOf(name, seed));
    parameter.role = specs[name].role;
    parameters[name] = isFrozen ? parameter : asParameter(parameter);
  }
  return parameters;
}

/** The random stream of one parameter: a key below 2^53 from its name and the model's seed, one to one in the seed. */
function seedOf(name: string, seed: number): number {
  const low = fnv1a(name, 0x811c9dc5);
  const high = fnv1a(name, low) >>> 11;
  return high * 2 ** 32 + ((low ^ seed) >>> 0);
}

/** FNV-1a over UTF-16 units, 32 bits, from a given start. */
function fnv1a(text: string, start: number): number {
  let hash = start;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

function initialize({ view, device, size }: Tensor, { shape, init }: ParameterSpec, seed: number): void {
  const { backend } = device;
  if (init.kind === 'normal') {
    backend.random('normal', seed, 0, view);
    if (init.std !== 1) backend.unary('affine', view, view, init.std, 0);
    return;
  }
  const values = new Float32Array(size);
  if (init.kind === 'constant') values.fill(init.value);
  else if (init.kind === 'values') {
    if (init.values.length !== size) {
      throw new ConfigError(`decoder: a parameter [${shape}] needs ${size} values, got ${init.values.length}.`, {
        shape,
      });
    }
    values.set(init.values);
  } else if (init.kind === 'identityTail') {
    const [rows, columns] = shape;
    for (let row = 0; row < rows; row++) values[row * columns + columns - rows + row] = 1;
  } else unknownName('init.kind', (init as { readonly kind: never }).kind);
  backend.upload(view.storage, view.offset, values);
}
