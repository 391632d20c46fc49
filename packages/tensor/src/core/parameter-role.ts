import { unknownName } from './errors.ts';

/** What other code asks of a role. */
interface RoleTraits {
  /** Whether weight decay shrinks it: weights of matrices only. */
  readonly isDecayed: boolean;
  /** Whether every position is multiplied by it: its products count as FLOPs. */
  readonly multipliesPositions: boolean;
  /** Whether Muon may update it: a matrix between hidden states. */
  readonly isOrthogonalized: boolean;
}

const NEITHER: RoleTraits = { isDecayed: false, multipliesPositions: false, isOrthogonalized: false };

const ROLES = {
  matrix: { isDecayed: true, multipliesPositions: true, isOrthogonalized: true },
  output: { isDecayed: true, multipliesPositions: true, isOrthogonalized: false },
  embedding: NEITHER,
  norm: NEITHER,
  bias: NEITHER,
  vector: NEITHER,
  scalar: NEITHER,
} as const satisfies Record<string, RoleTraits>;

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
export type ParameterRole = keyof typeof ROLES;

/** Every role of a parameter. */
export const parameterRoles = Object.keys(ROLES) as readonly ParameterRole[];

/** What the rest of the program asks of a role. @throws ConfigError for an unknown one */
export function roleTraits(role: ParameterRole): RoleTraits {
  return Object.hasOwn(ROLES, role) ? ROLES[role] : unknownName('parameter role', role as never);
}

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
  return roleTraits(role).isDecayed;
}
