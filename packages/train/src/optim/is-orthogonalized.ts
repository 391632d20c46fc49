import { type Tensor, unknownName } from '@modajs/tensor';

/**
 * Whether Muon updates a parameter: by its role, which a model's own parameters have; without one, when it has two axes
 * and neither `embed` nor `lm_head` in its name.
 *
 * @throws ConfigError for an unknown role
 */
export function isOrthogonalized(name: string, { role, rank }: Pick<Tensor, 'role' | 'rank'>): boolean {
  switch (role) {
    case null:
      return rank === 2 && !/embed|lm_head/.test(name);
    case 'matrix':
      return true;
    case 'output':
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
