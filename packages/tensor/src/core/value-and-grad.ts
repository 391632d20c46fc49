import { asParameter, backward, withRecording } from './autograd.ts';
import { isFloat } from './dtype.ts';
import { DTypeError, ShapeError } from './errors.ts';
import { type TensorTree, tidy } from './scope.ts';
import { formatShape } from './shape.ts';
import { allocateTensor, livingTensor, Tensor } from './tensor.ts';
import { callback, refusePromise, type Synchronous } from './value-checks.ts';

/** A value and its gradient with respect to each tensor of a tree, in a tree of the same form. */
export interface ValueAndGrad<Inputs> {
  /** One element, outside any graph. */
  readonly value: Tensor;
  /** d value / d tensor at each place of a tensor, with that tensor's shape; zeros where the value does not depend on it. */
  readonly grads: Inputs;
}

/**
 * Makes a function that computes `f` and its gradient with respect to the first argument, as `jax.value_and_grad` does. The tensors
 * of that argument need not be parameters, and their `grad` stays as it is; parameters that `f` uses besides them
 * collect their gradient as in `backward`. Gradients of gradients are not computed.
 *
 * @example
 * const { value, grads } = valueAndGrad(({ w, b }) => mean(square(add(matmul(x, w), b))))({ w, b });
 *
 * @param f synchronous; gives a tensor with one element
 * @throws ConfigError for what is no function or gives a promise; ShapeError for a value of more elements; DTypeError for
 *   integers among the tensors, which have no gradient
 */
export function valueAndGrad<Inputs extends TensorTree, Rest extends unknown[]>(
  f: (inputs: Inputs, ...rest: Rest) => Synchronous<Tensor>,
): (inputs: Inputs, ...rest: Rest) => ValueAndGrad<Inputs> {
  return differentiated('valueAndGrad', f);
}

/**
 * Makes a function that computes the gradient of `f` with respect to its first argument, as `jax.grad` does.
 *
 * @param f as of `valueAndGrad`
 * @throws as `valueAndGrad`
 */
export function grad<Inputs extends TensorTree, Rest extends unknown[]>(
  f: (inputs: Inputs, ...rest: Rest) => Synchronous<Tensor>,
): (inputs: Inputs, ...rest: Rest) => Inputs {
  const both = differentiated('grad', f);
  return (inputs, ...rest) => {
    const { value, grads } = both(inputs, ...rest);
    value.dispose();
    return grads;
  };
}

function differentiated<Inputs extends TensorTree, Rest extends unknown[]>(
  operation: string,
  f: (inputs: Inputs, ...rest: Rest) => Synchronous<Tensor>,
): (inputs: Inputs, ...rest: Rest) => ValueAndGrad<Inputs> {
  callback(operation, 'f', f);
  return (inputs, ...rest) => {
    const run = (): ValueAndGrad<Inputs> => {
      const parameters = mapTensors(inputs, (input) => parameterOf(operation, input));
      const value = livingTensor(
        operation,
        'the value of f',
        refusePromise(operation, f(parameters, ...rest), 'Await before it.'),
      );
      if (value.size !== 1) {
        throw new ShapeError(
          `${operation}: f must give a tensor with one element, got shape ${formatShape(value.shape)}. Use sum() or mean() of it.`,
          { shape: value.shape },
        );
      }
      if (value.requiresGrad) backward(value);
      return { value: value.detach(), grads: mapTensors(parameters, gradientOf) };
    };
    return tidy<ValueAndGrad<Inputs>>(() => withRecording(true, run) as never);
  };
}

/** A parameter of its own with the values of an input: the input collects no gradient. */
function parameterOf(operation: string, input: Tensor): Tensor {
  const { dtype } = livingTensor(operation, 'inputs', input);
  if (!isFloat(dtype)) {
    throw new DTypeError(
      `${operation}: tensors of the first argument must be f32 or f16, got ${dtype}. Give integers to f as a later argument.`,
      { dtype },
    );
  }
  return asParameter(input.detach());
}

/** A handle that outlives the parameter. */
function gradientOf(parameter: Tensor): Tensor {
  if (parameter.grad !== null) return parameter.grad.alias();
  const { device, shape, dtype } = parameter;
  const zeros = allocateTensor(device, shape, dtype);
  device.backend.fill(zeros.view, 0);
  return zeros;
}

/** The tree with every tensor replaced. */
function mapTensors<Tree>(tree: Tree, replace: (tensor: Tensor) => Tensor): Tree {
  const map = (value: unknown): unknown => {
    if (value === null || typeof value !== 'object') return value;
    if (value instanceof Tensor) return replace(value);
    if (Array.isArray(value)) return value.map(map);
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, map(item)]));
  };
  return map(tree) as Tree;
}
