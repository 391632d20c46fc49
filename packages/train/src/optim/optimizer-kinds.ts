/** Every optimiser, by the name that `optimizer.kind` has: `create-optimizer.ts` has a rule for each, or does not compile. */
export const optimizerKinds = ['adamw', 'muon', 'sgd', 'lion'] as const;

export type OptimizerKind = (typeof optimizerKinds)[number];
