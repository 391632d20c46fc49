export * from './data/file-store.ts';
export * from './data/folder-rows.ts';
export * from './data/hub-rows.ts';
export * from './data/read-rows.ts';
export * from './data/row-source.ts';
export * from './decontamination/decontamination.ts';
export * from './depth-attention/depth-attention.ts';
export * from './errors/errors.ts';
export { bootstrapStandardError } from './metrics/bootstrap.ts';
export * from './metrics/choice-metrics.ts';
export type { DifferenceStatistics } from './metrics/difference.ts';
export * from './model/decoder-scorer.ts';
export * from './model/evaluation-model.ts';
export * from './model/function-model.ts';
export * from './model/llama-cpp-scorer.ts';
export * from './model/scorer.ts';
export * from './model/scorer-model.ts';
export * from './perplexity/document-units.ts';
export {
  type DomainPerplexity,
  evaluatePerplexity,
  type PerplexityDomain,
  type PerplexityOptions,
  type PerplexityReport,
} from './perplexity/perplexity.ts';
export * from './perplexity/rolling-windows.ts';
export * from './perplexity/token-shard.ts';
export type { Provenance } from './results/build-results.ts';
export * from './results/compare.ts';
export * from './results/compare-perplexity.ts';
export * from './results/format-table.ts';
export * from './results/results.ts';
export * from './run/load-documents.ts';
export * from './run/request-cache.ts';
export * from './run/run-evaluation.ts';
export type { ScoredDocument } from './run/score-task.ts';
export * from './tasks/build-document.ts';
export * from './tasks/build-requests.ts';
export * from './tasks/python-random.ts';
export * from './tasks/registry.ts';
export * from './tasks/task.ts';
export * from './tasks/validate-task.ts';
