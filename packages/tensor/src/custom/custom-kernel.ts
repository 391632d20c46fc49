import type { ShaderKernel } from '../backends/custom-kernel-call.ts';
import { isRecording } from '../core/autograd.ts';
import type { HostArray } from '../core/dtype.ts';
import { AutogradError, ConfigError, KernelError } from '../core/errors.ts';
import { tidy } from '../core/scope.ts';
import { checkShape } from '../core/shape.ts';
import { allocateTensor, checkSize, type Tensor } from '../core/tensor.ts';
import { callback, checkOptions, dtypeName, type OptionChecks, refusePromise } from '../core/value-checks.ts';
import { contiguous } from '../ops/views.ts';
import { checkInputs, inputNames, isName, type OptionsOf } from './custom-inputs.ts';
import type { TensorSpec } from './tensor-spec.ts';

type Specs = TensorSpec | readonly TensorSpec[];

/** A tensor for each spec, in the same form: one, or a list. */
type Results<Out extends Specs> = Out extends readonly unknown[] ? { [index in keyof Out]: Tensor } : Tensor;

/** What `customKernel` makes a kernel of. */
export interface CustomKernelOptions<Out extends Specs, Options> {
  /** In error messages and profiles. */
  readonly name: string;
  /** Names of the tensors it reads, for error messages; their number is checked. */
  readonly inputs: readonly string[];
  /** Shape and dtype of the result, or of each result. Throws for inputs that the kernel does not take. */
  readonly output: (inputs: readonly TensorSpec[], options: Options) => Out;
  /**
   * The computation on `cpu` and `reference`: fills `outputs` from `inputs`, all row-major. Floats are `Float32Array` (f16 too,
   * rounded afterwards; `Float64Array` on `reference`), `i32` and `u32` their typed arrays. Outputs start as NaN, integers as 0.
   * The arrays are copies: nothing is written to an input, and tensor operators may run inside.
   */
  readonly cpu?: (inputs: readonly HostArray[], outputs: readonly HostArray[], options: Options) => void;
  /**
   * The computation on `webgpu`. Inputs are row-major and start at element 0 of their binding, whose `arrayLength` is their size
   * (an odd number of f16, and an empty input, have one element more). Outputs start undefined: the shader writes every element.
   */
  readonly wgsl?: (inputs: readonly TensorSpec[], outputs: readonly TensorSpec[], options: Options) => ShaderKernel;
}

// biome-ignore lint/suspicious/noExplicitAny: the checks are the same for every type of options
const KERNEL_OPTIONS: OptionChecks<CustomKernelOptions<any, any>> = {
  name: isName,
  inputs: inputNames,
  output: callback,
  cpu: callback,
  wgsl: callback,
};

/**
 * A kernel of one's own: WGSL on `webgpu`, a plain function over typed arrays on `cpu` and `reference`. Returns a function from
 * tensors on one device to new tensors. It takes part in scopes and captured steps as the built-in operators do; as theirs, its
 * numbers (`options`, uniform words) are those of the capture when a step is replayed. It has no gradient: give it one with
 * `customOp`. When all results are empty nothing runs.
 *
 * @throws ConfigError for a definition that lacks something. The kernel throws ConfigError for another number of inputs;
 *   DTypeError | AutogradError | DeviceError for what is no living tensor of one device; AutogradError while a graph is recorded
 *   and an input requires a gradient; KernelError on a device that it has no code for, or for WGSL that is not valid (where
 *   results are read)
 */
export function customKernel<const Out extends Specs, Options = undefined>(
  definition: CustomKernelOptions<Out, Options>,
): (inputs: readonly Tensor[], ...options: OptionsOf<Options>) => Results<Out> {
  checkOptions('customKernel', definition, KERNEL_OPTIONS, ['name', 'inputs', 'output']);
  const { name, inputs: names, output, cpu, wgsl } = definition;
  if (cpu === undefined && wgsl === undefined) {
    throw new ConfigError(`customKernel: ${name} must have cpu, wgsl or both, got neither.`, { name });
  }
  return (inputs, ...[options]) => {
    const device = checkInputs(name, names, inputs);
    refuseRecording(name, names, inputs);
    const code = device.kind === 'webgpu' ? wgsl : cpu;
    if (code === undefined) {
      const [missing, there] = device.kind === 'webgpu' ? ['wgsl', 'cpu'] : ['cpu', 'wgsl'];
      throw new KernelError(
        `${name}: the kernel must have ${missing} to run on ${device}, got ${there} only. Give customKernel \`${missing}\` too.`,
        { name, device: device.kind },
      );
    }
    const settings = options as Options;
    const { isList, outputs } = tidy(() => {
      const result = output(inputs.map(specOf), settings);
      const specs = checkSpecs(name, result);
      const rows = inputs.map(contiguous);
      const outputs = specs.map(({ shape, dtype }) => allocateTensor(device, [...shape], dtype));
      if (outputs.some(({ size }) => size > 0)) {
        device.backend.custom({
          name,
          inputNames: names,
          inputs: rows.map(({ view }) => view),
          outputs: outputs.map(({ view }) => view),
          host:
            cpu &&
            ((from, to) => refusePromise(name, cpu(from, to, settings), 'Write a cpu function that is not async.')),
          shader: wgsl && (() => wgsl(rows.map(specOf), specs, settings)),
        });
      }
      return { isList: Array.isArray(result), outputs };
    });
    return (isList ? outputs : outputs[0]) as Tensor | readonly Tensor[] as Results<Out>;
  };
}

function specOf({ shape, dtype }: Tensor): TensorSpec {
  return { shape, dtype };
}

/** @throws ShapeError | ConfigError | OutOfMemoryError unless every result has a shape and a dtype */
function checkSpecs(name: string, result: Specs): readonly TensorSpec[] {
  const specs = (Array.isArray(result) ? result : [result]) as readonly TensorSpec[];
  if (specs.length === 0) {
    throw new ConfigError(`${name}: output must give the shape and dtype of one result or more, got none.`, { name });
  }
  specs.forEach((spec, i) => {
    checkShape(name, spec?.shape, `the shape of output ${i}`);
    dtypeName(name, `the dtype of output ${i}`, spec.dtype);
    checkSize(spec.shape);
  });
  return specs;
}

function refuseRecording(name: string, names: readonly string[], inputs: readonly Tensor[]): void {
  const at = isRecording() ? inputs.findIndex((input) => input.requiresGrad) : -1;
  if (at < 0) return;
  throw new AutogradError(
    `${name}: a kernel has no gradient, so its inputs must not require one, got ${names[at]} that does. Give it one with customOp, or call it in noGrad().`,
    { name, input: names[at] },
  );
}
