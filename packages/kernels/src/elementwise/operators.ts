import binarySource from './binary.wgsl';
import integerSource from './integer.wgsl';
import ternarySource from './ternary.wgsl';
import unarySource from './unary.wgsl';

/** Elementwise operators of one shader. */
export interface OperatorFamily {
  readonly source: string;
  /** The shader's number of each operator: its `OP`. */
  readonly numbers: ReadonlyMap<string, number>;
}

const OPERATOR = /case (\d+)u: \{.*\/\/ @operator (\w+)/g;

/** The shader is the list: each case is marked with the name of its operator. */
function familyOf(source: string): OperatorFamily {
  const cases = Array.from(source.matchAll(OPERATOR), ([, number, name]) => [name!, Number(number)] as const);
  return { source, numbers: new Map(cases) };
}

/** Operators on floats, by number of inputs: of one, of two, of three. */
export const FLOAT_FAMILIES: readonly OperatorFamily[] = [unarySource, binarySource, ternarySource].map(familyOf);

/** Operators on i32 and u32, of any number of inputs. */
export const INTEGER_FAMILY: OperatorFamily = familyOf(integerSource);

/** Names of the elementwise operators on floats that take `count` inputs, 1 to 3. */
export function elementwiseOperators(count: number): string[] {
  return [...(FLOAT_FAMILIES[count - 1]?.numbers.keys() ?? [])];
}
