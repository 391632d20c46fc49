import { unknownName } from './errors.ts';

/** Every role of a parameter. */
export const parameterRoles = ['matrix', 'output', 'embedding', 'norm', 'bias', 'vector', 'scalar'] as const;

/**
 * What a parameter is in its model, whatever its rank; decides its weight decay, whether Muon may update it, and whether
 * its products count as FLOPs.
 *
 * - `matrix`: multiplies the hidden states
 * - `output`: the matrix that makes logits
 * - `embedding`: makes the first hidden states: of tokens, positions or patches
 * - `norm`: scales of a norm
 * - `bias`: is added
 * - `vector`: any other vector, such as a learned query or the weights of a sum
 * - `scalar`: one number, or several that each multiply something whole; in any shape, `[1, 1]` too
 */
export type ParameterRole = (typeof parameterRoles)[number];

/**
 * Whether weight decay shrinks a parameter: by its role; without one, when it has two axes or more and no `embed` in its name.
 *
 * @throws ConfigError for an unknown role
 */
export function hasDecay(
  name: string,
  { role, rank }: { readonly role: ParameterRole | null; readonly rank: number },
): boolean {
  return role === null ? rank > 1 && !/embed/.test(name) : isDecayed(role);
}

/** Whether weight decay shrinks parameters of that role: weights of matrices only. @throws ConfigError for an unknown role */
export function isDecayed(role: ParameterRole): boolean {
  switch (role) {
    case 'matrix':
    case 'output':
      return true;
    case 'embedding':
    case 'norm':
    case 'bias':
    case 'vector':
    case 'scalar':
      return false;
    default:
      return unknownName('parameter role', role);
  }
}
