export { editDistance, nearestKey } from '@modajs/tensor';
export {
  type Checkpoint,
  checkpointFolder,
  DamagedCheckpointError,
  type LatestCheckpointOptions,
  listCheckpoints,
  type PruneOptions,
  pruneCheckpoints,
  readCheckpoint,
  readLatestCheckpoint,
  type TrainingState,
  writeCheckpoint,
} from './checkpoint/checkpoint.ts';
export { restoreTensors } from './checkpoint/restore-tensors.ts';
export { flattenIdentity, type RunIdentity, requireSameIdentity } from './checkpoint/run-identity.ts';
export { type ConfigOf, Field, type FieldOptions, type JsonSchema, type Section } from './config/field.ts';
export { parseConfigText, parseSetOption } from './config/parse-config.ts';
export {
  type AbsentSettings,
  configKeys,
  mergeConfigs,
  type RawConfig,
  resolveConfig,
} from './config/resolve-config.ts';
export {
  type DataSourceConfig,
  type RunConfig,
  resolveRunConfig,
  runSchema,
  runTextShape,
} from './config/run-config.ts';
export { type SettingEntry, settingEntries, settingsJsonSchema } from './config/settings-reference.ts';
export { type TextShape, textShapeOf } from './config/text-shape.ts';
export { type BatchOptions, documentRanges, type HostBatch, IGNORED_TARGET, nextBatch } from './data/batch.ts';
export { heldOutSides } from './data/held-out-sides.ts';
export { type LabelledTokens, PackedRows, packedSource, type SequenceRow } from './data/packed-rows.ts';
export {
  DOCUMENT_SEPARATOR,
  type PreparedText,
  prepareText,
  type SplitSource,
  type TextTokenizer,
} from './data/prepare-text.ts';
export {
  SequenceOrder,
  type SequencePlace,
  type SequencePosition,
  type WeightedSource,
} from './data/sequence-order.ts';
export { splitSource } from './data/split-source.ts';
export {
  findTokenDocuments,
  type HeldOutSplit,
  splitTokens,
  type TokenDocuments,
} from './data/split-tokens.ts';
export { splitDocuments, splitText, type TextSplit } from './data/text-split.ts';
export { type TokenSource, tokensInMemory } from './data/token-source.ts';
export { requireAgreement, together } from './distributed/agreement.ts';
export { broadcastJson } from './distributed/broadcast-json.ts';
export type { Collective, CollectiveBuffer, PeerMessage } from './distributed/collective.ts';
export { CollectiveError, PeerFailedError } from './distributed/collective-error.ts';
export type { CommunicationCosts } from './distributed/communication-meter.ts';
export { inProcessCollectives } from './distributed/in-process-collective.ts';
export { measureExchange } from './distributed/measure-exchange.ts';
export { measureLink } from './distributed/measure-link.ts';
export { parameterOwners } from './distributed/parameter-owners.ts';
export { type CommunicationForecast, predictCommunication } from './distributed/predict-communication.ts';
export { readOnlyStorage } from './distributed/read-only-storage.ts';
export { requireDivisibleBatch } from './distributed/require-divisible-batch.ts';
export {
  type RankSimulation,
  type SimulatedSync,
  type SimulationResult,
  simulateRanks,
} from './distributed/simulate-ranks.ts';
export { type Link, throttledCollective } from './distributed/throttled-collective.ts';
export { metricsCsv } from './metrics/metrics-csv.ts';
export { MetricsLog, type MetricsRow, readMetrics, truncateMetrics } from './metrics/metrics-log.ts';
export type { GivenFile, GivenFiles } from './open/given-files.ts';
export { OpenedRun, type OpenRunOptions, openRun, type RunPlace } from './open/open-run.ts';
export { type Origin, parseSavedConfig, type SavedConfig } from './open/saved-config.ts';
export { ownSpecialTokens, type SpecialTokens } from './open/special-tokens.ts';
export { combineOptimizers } from './optim/combine-optimizers.ts';
export { createOptimizer, optimizerStateBytes, type StatedParameter } from './optim/create-optimizer.ts';
export { isOrthogonalized } from './optim/is-orthogonalized.ts';
export { Lion, type LionOptions } from './optim/lion.ts';
export { LossScaler, type LossScalerOptions, type LossScaleState } from './optim/loss-scaler.ts';
export { MomentumOptimizer, type UpdateArguments, type UpdateRule } from './optim/momentum-optimizer.ts';
export { Muon, type MuonOptions, orthogonalize } from './optim/muon.ts';
export { type OptimizerKind, optimizerKinds } from './optim/optimizer-kinds.ts';
export { SGD, type SgdOptions } from './optim/sgd.ts';
export { WeightAverage } from './optim/weight-average.ts';
export { type AttentionMap, attentionMapSvg } from './report/attention-map.ts';
export { escapeHtml } from './report/html.ts';
export {
  type ChartMark,
  type ChartSeries,
  type LineChart,
  lineChart,
  lineChartFile,
} from './report/line-chart.ts';
export { type ReportContent, type RunBeside, reportHtml, type TextSample } from './report/report-html.ts';
export { reportPage, scrolled, section } from './report/report-page.ts';
export { adoptParameters } from './run/adopt-parameters.ts';
export { type AttentionByLayer, attentionByLayer } from './run/attention-by-layer.ts';
export { depthStatistics } from './run/depth-statistics.ts';
export { type DomainNumbers, evaluateDomains, lossesBySource, type SourceLosses } from './run/evaluate-domains.ts';
export { evaluateHeldOut, type HeldOutOptions, type HeldOutResult, type HeldOutText } from './run/evaluate-held-out.ts';
export { loraConfigOf, trainedSpecs } from './run/lora-config-of.ts';
export { measurePeakFlops } from './run/measure-peak-flops.ts';
export { needsLossScale } from './run/needs-loss-scale.ts';
export { prepareModelConfig, type TokenizerFacts } from './run/prepare-model-config.ts';
export { forgetReplays } from './run/replayed-gradients.ts';
export { type ResumePlan, requireResumable } from './run/require-resumable.ts';
export type { RunEvent, RunListener } from './run/run-event.ts';
export { completeIdentity, runIdentityOf } from './run/run-identity-of.ts';
export type { RunInputs, RunSummary } from './run/run-inputs.ts';
export { sequenceLength } from './run/sequence-length.ts';
export type { SpikeGuardState } from './run/spike-guard.ts';
export type { StepOutcome } from './run/step-outcome.ts';
export type { LossOptions, TrainableModel } from './run/trainable-model.ts';
export { TrainingRun } from './run/training-run.ts';
export { type StepControls, type StepNumbers, type TrainingStepOptions, trainingStep } from './run/training-step.ts';
export { TrainingStoppedError } from './run/training-stopped-error.ts';
export { tunedModelConfig } from './run/tuned-model-config.ts';
export { createSchedule, type ScheduleOptions } from './schedule/create-schedule.ts';
export { constant, cosine, type DecayOptions, linearDecay, type Schedule, warmup } from './schedule/schedule.ts';
export { MemoryStorage } from './storage/memory-storage.ts';
export type { RunFiles } from './storage/run-files.ts';
export type { RunStorage } from './storage/run-storage.ts';
export { StorageError } from './storage/storage-error.ts';
export { StorageFullError } from './storage/storage-full-error.ts';
export { meanAndError, type PairedDifference, pairedDifference } from './study/paired-difference.ts';
export { isStudyFile, readStudyFile } from './study/read-study-file.ts';
export { studyCharts } from './study/study-charts.ts';
export { studyCsv } from './study/study-csv.ts';
export { studyReportHtml } from './study/study-report.ts';
export type {
  StudyFile,
  StudyInputs,
  StudyLoss,
  StudyPlanRecord,
  StudyRun,
  StudyRunKey,
  VariedValue,
} from './study/study-run.ts';
export {
  changeLines,
  corpusTable,
  costTable,
  lossTable,
  measureTable,
  missingLines,
  type StudyTable,
  sweepTable,
  unfinishedTable,
  valuesText,
} from './study/study-tables.ts';
export {
  bestCell,
  inputDifference,
  type StudyCell,
  type StudyComparison,
  type StudySummary,
  summarizeStudy,
} from './study/summarize-study.ts';
export { type EarlyStopOptions, earlyStop } from './train-model/early-stop.ts';
export { type TrainedModel, type TrainModelOptions, trainModel } from './train-model/train-model.ts';
export { wittenBellBitsPerByte } from './yardstick/witten-bell.ts';
