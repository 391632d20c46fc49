import { asParameter, backward, dependsOn, type GradNode, isRecording, withRecording } from './autograd.ts';
import { isFloat } from './dtype.ts';
import { AutogradError, DTypeError, ShapeError } from './errors.ts';
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
 * collect their gradient as in `backward`. Gradients of gradients are not computed: a call inside another's function must not depend on
 * that one's tensors, unless detached.
 *
 * @example
 * const { value, grads } = valueAndGrad(({ w, b }) => mean(square(add(matmul(x, w), b))))({ w, b });
 *
 * @param f synchronous; gives a tensor with one element
 * @throws ConfigError for what is no function or gives a promise; ShapeError for a value of more elements; DTypeError for
 *   integers among the tensors, which have no gradient; AutogradError for what would be a gradient of a gradient
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

/** The nodes of the tensors that the calls under way differentiate with respect to. */
let underWay: readonly GradNode[] = [];

/** @throws AutogradError when a tensor of a call inside another one depends on that one's */
function refuseNested(operation: string, around: readonly GradNode[], { node }: Tensor): void {
  if (node === null || around.length === 0 || !dependsOn(node, around)) return;
  throw new AutogradError(
    `${operation}: gradients of gradients are not computed, so a call inside the function of another must not depend on that one's tensors, got one that does. Give it their detach() where they count as constants.`,
  );
}

function differentiated<Inputs extends TensorTree, Rest extends unknown[]>(
  operation: string,
  f: (inputs: Inputs, ...rest: Rest) => Synchronous<Tensor>,
): (inputs: Inputs, ...rest: Rest) => ValueAndGrad<Inputs> {
  callback(operation, 'f', f);
  return (inputs, ...rest) => {
    const around = underWay;
    const wasRecording = isRecording();
    const run = (): ValueAndGrad<Inputs> => {
      const leaves: GradNode[] = [];
      const parameters = mapTensors(inputs, (input) => {
        const parameter = parameterOf(operation, input);
        if (wasRecording) refuseNested(operation, around, input);
        leaves.push(parameter.node!);
        return parameter;
      });
      underWay = [...around, ...leaves];
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
      refuseNested(operation, around, value);
      if (value.requiresGrad) backward(value);
      return { value: value.detach(), grads: mapTensors(parameters, gradientOf) };
    };
    try {
      return tidy<ValueAndGrad<Inputs>>(() => withRecording(true, run) as never);
    } finally {
      underWay = around;
    }
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
