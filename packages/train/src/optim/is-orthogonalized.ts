import type { Tensor } from '@modajs/tensor';
import { roleTraits } from '@modajs/tensor/extend';

/**
 * Whether Muon updates a parameter: by its role, which a model's own parameters have; without one, when it has two axes
 * and neither `embed` nor `lm_head` in its name.
 *
 * @throws ConfigError for an unknown role
 */
export function isOrthogonalized(name: string, { role, rank }: Pick<Tensor, 'role' | 'rank'>): boolean {
  if (role === null) return rank === 2 && !/embed|lm_head/.test(name);
  return roleTraits(role).isOrthogonalized;
}
