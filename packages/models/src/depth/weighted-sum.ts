import { reshape, type Tensor } from '@modajs/tensor';
import { mixApart } from './mixture/mix.ts';

/** `sum_j weights[j] * terms[j]` for a weight vector `[n]` and n tensors `[B, T, ...]` of one shape. */
export function weightedSum(terms: readonly Tensor[], weights: Tensor): Tensor {
  const { shape } = terms[0];
  const [B, T, ...row] = shape;
  const C = row.reduce((size, extent) => size * extent, 1);
  const rows = row.length === 1 ? terms : terms.map((term) => reshape(term, [B, T, C]));
  const [sum] = mixApart(rows, reshape(weights, [1, terms.length]));
  return row.length === 1 ? sum : reshape(sum, shape);
}
