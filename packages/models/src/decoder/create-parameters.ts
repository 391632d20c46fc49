import {
  asParameter,
  type Device,
  type DType,
  defaultDevice,
  packedZeros,
  type Tensor,
  withoutScope,
} from '@modajs/tensor';
import type { ParameterSpec, ParameterSpecs } from '../parameters/parameter-spec.ts';

/** Where parameters live and how they start. */
export interface ParameterOptions {
  readonly device?: Device;
  /** f32 by default. */
  readonly dtype?: DType;
  /** Seed of the initial values; 0 by default. Each parameter has its own stretch of the random stream. */
  readonly seed?: number;
}

/**
 * Fresh parameters by name, marked for gradients, side by side in memory: first what optimisers decay (matrices), then the
 * rest. They belong to no scope: the model disposes of them.
 */
export function createParameters(specs: ParameterSpecs, options: ParameterOptions = {}): Record<string, Tensor> {
  const { seed = 0, dtype = 'f32', device = defaultDevice() } = options;
  const names = Object.keys(specs);
  const isDecayed = (name: string): boolean => specs[name].shape.length > 1 && !/embed/.test(name);
  const packed = [...names.filter(isDecayed), ...names.filter((name) => !isDecayed(name))];
  const shapes = packed.map((name) => specs[name].shape);
  const zeros = withoutScope(() => packedZeros(device, shapes, dtype));
  const memory = new Map(packed.map((name, i) => [name, zeros[i]]));
  const parameters: Record<string, Tensor> = {};
  let offset = 0;
  for (const name of names) {
    const parameter = memory.get(name)!;
    initialize(parameter, specs[name], seed, offset);
    parameters[name] = asParameter(parameter);
    // Normal numbers come in pairs: the next parameter starts at an even place.
    offset += parameter.size + (parameter.size % 2);
  }
  return parameters;
}

function initialize(
  { view, device, size }: Tensor,
  { shape, init }: ParameterSpec,
  seed: number,
  offset: number,
): void {
  const { backend } = device;
  if (init.kind === 'normal') {
    backend.random('normal', seed, offset, view);
    if (init.std !== 1) backend.unary('affine', view, view, init.std, 0);
    return;
  }
  const values = new Float32Array(size);
  if (init.kind === 'constant') values.fill(init.value);
  else if (init.kind === 'values') values.set(init.values);
  else {
    const [rows, columns] = shape;
    for (let row = 0; row < rows; row++) values[row * columns + columns - rows + row] = 1;
  }
  backend.upload(view.storage, view.offset, values);
}
