export { type KernelTuning, tuningKey } from '@modajs/kernels';
export { benchEnvironment, createBenchResult, type EnvironmentFacts } from './bench-result.ts';
export { type BenchCost, costOf } from './cost.ts';
export { withExtraTime } from './extra-time.ts';
export type {
  AttentionImplementation,
  AttentionJob,
  BenchJob,
  BenchPresetName,
  BenchReference,
  DepthGatherJob,
  MatmulJob,
  MatmulVariant,
} from './job.ts';
export { type DeviceTraits, deviceTraits } from './measure/device-traits.ts';
export { emptyRow } from './measure/measure-job.ts';
export { measureCeilings } from './measure-ceilings.ts';
export { type BenchPreset, benchPresets } from './presets/bench-presets.ts';
export { TABLE_2, TABLE_7, type Table2Row } from './presets/paper-tables.ts';
export { type BenchScale, jobBytes } from './presets/scale.ts';
export {
  BENCH_SCHEMA,
  type BenchCeilings,
  type BenchEnvironment,
  type BenchFloors,
  type BenchResult,
  type BenchRow,
  type BenchTimes,
} from './result.ts';
export { readBenchResults } from './results/read-bench-results.ts';
export { type BenchProgress, dtypesOf, type RunBenchOptions, runBench } from './run-bench.ts';
export { chooseTuning, type TuneOutcome, tuningOf } from './tune/choose-tuning.ts';
export { jobTuneGroups } from './tune/job-tune-groups.ts';
export { deviceJobTuneGroups, deviceTuneGroups, deviceTuningKey, tune } from './tune/tune.ts';
export type { TuneGroup } from './tune/tune-group.ts';
export { tuneGroups } from './tune/tune-jobs.ts';
export { readTuningCache, TUNING_CACHE_VERSION, type TuningCache, withTuning } from './tune/tuning-cache.ts';
export { type DatabaseFactory, type TuningDatabase, tuningDatabase } from './tune/tuning-database.ts';
export { type WebGpuDevice, webGpuBackend } from './webgpu/webgpu-backend.ts';
