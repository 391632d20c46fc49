import { ConfigError, type NamedTensors, type Optimizer, type StepOptions } from '@modajs/tensor';

/**
 * Several optimisers as one: each updates its own parameters at every step, as Muon for matrices and AdamW for the rest. They must
 * have taken the same number of steps.
 *
 * @throws ConfigError for none, or a parameter's name in two of them; on `step({ lr })`, which would give all one rate: `lrRatio` scales each
 */
export function combineOptimizers(...optimizers: readonly Optimizer[]): Optimizer {
  if (optimizers.length === 0) throw new ConfigError('combineOptimizers: needs at least one optimiser, got none.');
  const params: NamedTensors = Object.assign({}, ...optimizers.map((optimizer) => optimizer.params));
  const names = optimizers.flatMap((optimizer) => Object.keys(optimizer.params));
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) {
    throw new ConfigError(`combineOptimizers: each parameter must belong to one optimiser, got ${twice} in two.`, {
      name: twice,
    });
  }
  const dispose = (): void => {
    for (const optimizer of optimizers) optimizer.dispose();
  };
  return {
    params,
    get stepCount() {
      return optimizers[0].stepCount;
    },
    get laggingStepCounts() {
      return Object.assign({}, ...optimizers.map((optimizer) => optimizer.laggingStepCounts));
    },
    step(options: StepOptions = {}) {
      if (options.lr !== undefined) {
        throw new ConfigError(
          `combineOptimizers.step: lr must be left out, got ${options.lr}: each optimiser has its own. Scale them by lrRatio.`,
        );
      }
      for (const optimizer of optimizers) optimizer.step(options);
    },
    zeroGrad() {
      for (const optimizer of optimizers) optimizer.zeroGrad();
    },
    state: () => Object.assign({}, ...optimizers.map((optimizer) => optimizer.state())),
    loadState(state, stepCount, lagging) {
      for (const optimizer of optimizers) optimizer.loadState(state, stepCount, lagging);
    },
    dispose,
    [Symbol.dispose]: dispose,
  };
}
