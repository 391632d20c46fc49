import { noGrad, record } from '../core/autograd.ts';
import type { Device } from '../core/device.ts';
import { AutogradError, ConfigError } from '../core/errors.ts';
import { currentScope, tidy } from '../core/scope.ts';
import { livingTensor, type Tensor } from '../core/tensor.ts';
import { type Check, callback, checkOptions, type OptionChecks, refusePromise, shown } from '../core/value-checks.ts';
import { dtypeIs, isOneDevice, shapeIs } from '../ops/checks.ts';
import { zeros } from '../ops/creation.ts';
import { checkInputs, inputNames, isName, type OptionsOf } from './custom-inputs.ts';
import type { TensorSpec } from './tensor-spec.ts';

type Outputs = Tensor | readonly Tensor[];

/** What a backward function gets: values as they were in the forward pass. */
export interface CustomGradient<Options> {
  /** The inputs. Empty when `keeps` does not name them. */
  readonly inputs: readonly Tensor[];
  /** The results, always as a list. Empty when `keeps` does not name them. */
  readonly outputs: readonly Tensor[];
  /** d loss / d output for each output, in its shape and dtype; zeros for one that nothing depends on. */
  readonly gradients: readonly Tensor[];
  /** For each input, whether its gradient is wanted; results for others are ignored. */
  readonly needs: readonly boolean[];
  readonly options: Options;
}

/** What `customOp` makes an operator of. */
export interface CustomOpOptions<Out extends Outputs, Options> {
  /** In error messages. */
  readonly name: string;
  /** Names of its tensors, for error messages; their number is checked. */
  readonly inputs: readonly string[];
  /** The values: operators on tensors and kernels (`customKernel`), not recorded. Temporaries are freed at its end. */
  readonly forward: (inputs: readonly Tensor[], options: Options) => Out;
  /** d loss / d input for each input, in its shape and dtype; null means zeros. Not recorded: gradients are first-order. */
  readonly backward: (gradient: CustomGradient<Options>) => readonly (Tensor | null)[];
  /** What is kept for `backward`; inputs and outputs by default. Memory that the gradient does not read need not be kept. */
  readonly keeps?: readonly ('inputs' | 'outputs')[];
}

const keptNames: Check = (operation, name, value) => {
  if (Array.isArray(value) && value.every((it) => it === 'inputs' || it === 'outputs')) return;
  throw new ConfigError(`${operation}: ${name} must be a list of inputs and outputs, got ${shown(value)}.`, { value });
};

// biome-ignore lint/suspicious/noExplicitAny: the checks are the same for every type of options
const OP_OPTIONS: OptionChecks<CustomOpOptions<any, any>> = {
  name: isName,
  inputs: inputNames,
  forward: callback,
  backward: callback,
  keeps: keptNames,
};

/**
 * An operator of one's own with a gradient, as `torch.autograd.Function`. Returns a function from tensors on one device to what
 * `forward` returns: a tensor, or a list of them. It is recorded when an input requires a gradient; under `noGrad` and when none
 * does, nothing is kept. Hold it to central differences with `checkGradients` of `@modajs/tensor/testing`.
 *
 * @throws ConfigError for a definition that lacks something. The operator throws ConfigError for another number of inputs or an
 *   asynchronous body; DTypeError | AutogradError | DeviceError for what is no living tensor of one device; `backward` then throws
 *   AutogradError | ShapeError | DTypeError | DeviceError unless there is a gradient, or null, of the right form for each input
 */
export function customOp<const Out extends Outputs, Options = undefined>(
  definition: CustomOpOptions<Out, Options>,
): (inputs: readonly Tensor[], ...options: OptionsOf<Options>) => Out {
  checkOptions('customOp', definition, OP_OPTIONS, ['name', 'inputs', 'forward', 'backward']);
  const { name, inputs: names, forward, backward, keeps = ['inputs', 'outputs'] } = definition;
  return (inputs, ...[given]) => {
    const device = checkInputs(name, names, inputs);
    const options = given as Options;
    const { isList, outputs } = tidy(() => noGrad(() => resultsOf(name, device, forward([...inputs], options))));
    const kept = keeps.includes('inputs') ? inputs.length : 0;
    const saved = [...(kept > 0 ? inputs : []), ...(keeps.includes('outputs') ? outputs : [])];
    const [inputSpecs, outputSpecs] = [inputs, outputs].map((tensors) => tensors.map(specOf));
    record(outputs, inputs, saved, (incoming, values, needs) => {
      const gradients = outputSpecs.map(({ shape, dtype }, i) => incoming[i] ?? zeros(shape, { dtype, device }));
      const known = { inputs: values.slice(0, kept), outputs: values.slice(kept), gradients, needs, options };
      const results = refusePromise(name, backward(known), 'Write a backward function that is not async.');
      checkCount(name, names, results);
      return results.map((result, i) =>
        needs[i] ? inputGradient(name, names[i], device, inputSpecs[i], result) : null,
      );
    });
    return (isList ? outputs : outputs[0]) as Outputs as Out;
  };
}

function specOf({ shape, dtype }: Tensor): TensorSpec {
  return { shape, dtype };
}

/** Handles of their own on what a forward function returned, which may be an input or one tensor twice. */
function resultsOf(name: string, device: Device, result: Outputs): { isList: boolean; outputs: Tensor[] } {
  refusePromise(name, result, 'Write a forward function that is not async.');
  const isList = Array.isArray(result);
  const list = (isList ? result : [result]) as readonly Tensor[];
  if (list.length === 0) {
    throw new ConfigError(`${name}: forward must return a tensor or a list of them, got an empty list.`, { name });
  }
  const outputs = list.map((output, i) => {
    livingTensor(name, isList ? `the result of forward [${i}]` : 'the result of forward', output);
    isOneDevice(name, device, output.device);
    return output.detach();
  });
  return { isList, outputs };
}

/** @throws AutogradError unless there is a result for each input */
function checkCount(name: string, names: readonly string[], results: readonly unknown[]): void {
  if (Array.isArray(results) && results.length === names.length) return;
  const got = Array.isArray(results) ? `${results.length} results` : shown(results);
  throw new AutogradError(
    `${name}: backward must return a list with one gradient, or null, for each of ${names.join(', ')}, got ${got}.`,
    { name },
  );
}

/** A result of a backward function as a handle that autograd may consume; null for zeros. */
function inputGradient(name: string, input: string, device: Device, spec: TensorSpec, result: unknown): Tensor | null {
  if (result === null) return null;
  const what = `the gradient of ${input}`;
  if (result === undefined) {
    throw new AutogradError(`${name}: ${what} must be a tensor, or null for zeros, got undefined.`, { name, input });
  }
  const gradient = livingTensor(name, what, result);
  isOneDevice(name, device, gradient.device);
  shapeIs(name, what, gradient.shape, spec.shape);
  dtypeIs(name, what, gradient, spec.dtype);
  return gradient.owner === currentScope() ? gradient : gradient.detach();
}
