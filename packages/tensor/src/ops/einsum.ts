import { ShapeError } from '../core/errors.ts';
import { tidy } from '../core/scope.ts';
import { formatShape } from '../core/shape.ts';
import type { Tensor } from '../core/tensor.ts';
import { shown } from '../core/value-checks.ts';
import { checkOperandList, floatOnly, sameDType } from './checks.ts';
import { matmul } from './matmul.ts';
import { sum } from './reductions.ts';
import { reshape, transpose } from './views.ts';

/** A tensor whose axes have names. */
interface Named {
  readonly tensor: Tensor;
  readonly names: readonly string[];
}

/**
 * Einstein summation: products of tensors, summed over the letters that the result does not name. `einsum('bthd,bshd->bhts', q, k)` are
 * the scores of attention. Without `->` the result has the letters that occur once, in alphabetical order, as in NumPy. Operands
 * are contracted from left to right, each pair by one batched matmul.
 *
 * @param equation a letter for each axis of each operand; a letter once an operand, no ellipsis
 * @throws ShapeError for an equation that cannot be read, or extents of one letter that differ; DTypeError
 */
export function einsum(equation: string, ...operands: readonly Tensor[]): Tensor {
  checkOperandList('einsum', 'operands', operands);
  const { inputs, output } = parse(equation);
  checkExtents(equation, inputs, operands);
  floatOnly('einsum', ...operands);
  sameDType('einsum', ...operands);
  return tidy(() => {
    const terms = operands.map((tensor, i): Named => ({ tensor, names: inputs[i] }));
    const result = terms.reduce((left, right, i) => {
      const wanted = new Set([...output, ...inputs.slice(i + 1).flat()]);
      return contract(summed(left, [...wanted, ...right.names]), summed(right, [...wanted, ...left.names]), wanted);
    });
    return ordered(summed(result, output), output).tensor;
  });
}

function parse(equation: string): { inputs: string[][]; output: string[] } {
  const sides = typeof equation === 'string' ? equation.replaceAll(' ', '').split('->') : [];
  const inputs = (sides[0] ?? '').split(',').map((term) => [...term]);
  const letters = inputs.flat();
  const once = [...new Set(letters)].filter((letter) => letters.indexOf(letter) === letters.lastIndexOf(letter)).sort();
  const output = sides.length === 2 ? [...sides[1]] : once;
  const isRead =
    (sides.length === 1 || sides.length === 2) &&
    [...letters, ...output].every((letter) => /^[a-zA-Z]$/.test(letter)) &&
    [...inputs, output].every((term) => new Set(term).size === term.length) &&
    output.every((letter) => letters.includes(letter));
  if (isRead) return { inputs, output };
  throw new ShapeError(
    `einsum: the equation must be letters as in 'ij,jk->ik', each once an operand, those behind -> among the others, got ${shown(equation)}.`,
    { equation },
  );
}

function checkExtents(equation: string, inputs: readonly (readonly string[])[], operands: readonly Tensor[]): void {
  const fits = inputs.length === operands.length && inputs.every((names, i) => names.length === operands[i].rank);
  const extents = new Map<string, number>();
  const agrees = (names: readonly string[], { shape }: Tensor): boolean =>
    names.every((name, axis) => {
      const known = extents.get(name) ?? shape[axis];
      extents.set(name, known);
      return known === shape[axis];
    });
  if (fits && inputs.every((names, i) => agrees(names, operands[i]))) return;
  const shapes = operands.map(({ shape }) => formatShape(shape)).join(', ');
  throw new ShapeError(
    `einsum: '${equation}' must have a letter for each axis, and one extent for each letter, got shapes ${shapes}.`,
    { equation },
  );
}

/** Without the axes that nobody wants. */
function summed({ tensor, names }: Named, wanted: readonly string[]): Named {
  const axes = names.flatMap((name, axis) => (wanted.includes(name) ? [] : [axis]));
  if (axes.length === 0) return { tensor, names };
  return { tensor: sum(tensor, { axes }), names: names.filter((name) => wanted.includes(name)) };
}

function ordered({ tensor, names }: Named, order: readonly string[]): Named {
  if (order.every((name, axis) => name === names[axis])) return { tensor, names };
  return {
    tensor: transpose(
      tensor,
      order.map((name) => names.indexOf(name)),
    ),
    names: order,
  };
}

/** One batched matmul: `[batch, M, K] . [batch, K, N]`, each of these a group of letters. */
function contract(a: Named, b: Named, wanted: ReadonlySet<string>): Named {
  const shared = a.names.filter((name) => b.names.includes(name));
  const batch = shared.filter((name) => wanted.has(name));
  const inner = shared.filter((name) => !wanted.has(name));
  const left = a.names.filter((name) => !b.names.includes(name));
  const right = b.names.filter((name) => !a.names.includes(name));
  const product = matmul(grouped(a, [batch, left, inner]), grouped(b, [batch, inner, right]));
  const extent = (name: string): number => {
    const axis = a.names.indexOf(name);
    return axis >= 0 ? a.tensor.shape[axis] : b.tensor.shape[b.names.indexOf(name)];
  };
  const names = [...batch, ...left, ...right];
  return { tensor: reshape(product, names.map(extent)), names };
}

/** Each group of axes as one. */
function grouped(named: Named, groups: readonly (readonly string[])[]): Tensor {
  const { tensor, names } = ordered(named, groups.flat());
  const extentOf = (group: readonly string[]): number =>
    group.reduce((product, name) => product * tensor.shape[names.indexOf(name)], 1);
  return reshape(tensor, groups.map(extentOf));
}
