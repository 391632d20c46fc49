export { type BufferRange, bindGroupEntries, bindRanges } from './bind-ranges.ts';
export { capabilitiesOf } from './capabilities-of.ts';
export { BUFFER_USAGE, MAP_MODE_READ, MAP_MODE_WRITE, SHADER_STAGE_COMPUTE } from './gpu-flags.ts';
export { type BindingLayout, PipelineCache, type PreparedPass } from './pipeline-cache.ts';
export { preparedPipelines, preparePlan } from './prepare-plan.ts';
export {
  type BoundPass,
  type Dispatch,
  encodeDispatches,
  type PreparedDispatches,
  prepareDispatches,
} from './prepared-dispatches.ts';
