type Round = (value: number) => number;
type Rows = readonly (readonly number[])[];

const dotOf = (a: readonly number[], b: readonly number[], r: Round): number =>
  a.reduce((sum, value, i) => r(sum + r(value * b[i]!)), 0);

/** One token of a mixture: `out_k = sum_s w[k][s] x_s`. */
export function mixToken(weights: Rows, sources: Rows, r: Round): number[][] {
  return weights.map((row) =>
    sources[0]!.map((_, c) => row.reduce((sum, weight, s) => r(sum + r(weight * sources[s]![c]!)), 0)),
  );
}

/** Gradients of a token's weights: `[k][s]`, the product of gradient k and source s. */
export function mixTokenWeights(gradients: Rows, sources: Rows, r: Round): number[][] {
  return gradients.map((gradient) => sources.map((source) => dotOf(gradient, source, r)));
}

/** One token of attention over sources: `out = sum_j softmax_j(q . rmsNorm(x_j)) x_j`, with the gradients for that of `out`. */
export function attendSources(query: readonly number[], sources: Rows, dOut: readonly number[], eps: number, r: Round) {
  const C = query.length;
  const scales = sources.map((x) => r(1 / r(Math.sqrt(r(r(dotOf(x, x, r) / C) + eps)))));
  const products = sources.map((x) => dotOf(query, x, r));
  const scores = products.map((product, j) => r(product * scales[j]!));
  const largest = Math.max(...scores);
  const powers = scores.map((score) => r(Math.exp(r(score - largest))));
  const total = powers.reduce((sum, power) => r(sum + power), 0);
  const weights = powers.map((power) => r(power / total));
  const [out] = mixToken([weights], sources, r) as [number[]];
  const delta = dotOf(dOut, out, r);
  const dScores = sources.map((x, j) => r(weights[j]! * r(dotOf(dOut, x, r) - delta)));
  const dx = sources.map((x, j) => {
    const [own, scale] = [r(dScores[j]! * scales[j]!), scales[j]!];
    const back = r(r(r(own * scale) * scale) * r(products[j]! / C));
    return x.map((value, c) => r(r(r(weights[j]! * dOut[c]!) + r(own * query[c]!)) - r(back * value)));
  });
  const dQuery = query.map((_, c) => sources.reduce((sum, x, j) => r(sum + r(r(dScores[j]! * scales[j]!) * x[c]!)), 0));
  return { out, lse: r(largest + r(Math.log(total))), dx, dQuery };
}

/** Sinkhorn's iteration on one matrix `[n * n]`, with the gradient of its logits; every iterate is kept. */
export function sinkhornMatrix(logits: readonly number[], dOut: readonly number[], iterations: number, r: Round) {
  const n = Math.sqrt(logits.length);
  const lines = (isRow: boolean): number[][] =>
    Array.from({ length: n }, (_, i) => Array.from({ length: n }, (_, j) => (isRow ? i * n + j : j * n + i)));
  const turns = Array.from({ length: 2 * iterations }, (_, turn) => lines(turn % 2 === 0));
  const iterates = [logits.map((value) => r(Math.exp(value)))];
  const sumOf = (line: readonly number[], values: readonly number[]): number =>
    line.reduce((sum, at) => r(sum + values[at]!), 0);
  for (const turn of turns) {
    const before = iterates.at(-1)!;
    const after = [...before];
    for (const line of turn) for (const at of line) after[at] = r(before[at]! / sumOf(line, before));
    iterates.push(after);
  }
  const out = iterates.at(-1)!;
  let d = [...dOut];
  for (let turn = turns.length - 1; turn >= 0; turn--) {
    const [before, after] = [iterates[turn]!, iterates[turn + 1]!];
    const products = d.map((value, at) => r(value * after[at]!));
    const next = [...d];
    for (const line of turns[turn]!) {
      const [sum, mean] = [sumOf(line, before), sumOf(line, products)];
      for (const at of line) next[at] = r(r(d[at]! - mean) / sum);
    }
    d = next;
  }
  return { out, dLogits: d.map((value, at) => r(value * iterates[0]![at]!)) };
}
