import type { BlockConfig } from '../../config/block-config.ts';
import { refuseConfig } from '../../config/refuse-config.ts';
import { rotatesAlike } from '../../decoder/rotation.ts';
import type { ModaChunkDepth, ModaDepth, ModaOptions } from './moda-depth.ts';

/** Slots that one block writes: one for the attention, one more with the FFN projection. */
export function slotsPerBlock({ ffnProjection }: ModaOptions): number {
  return ffnProjection ? 2 : 1;
}

/** Whether block `layer` has depth projections: the last block's slots are read by nobody. */
export function hasProjection({ nLayers }: BlockConfig, { lastProjection }: ModaOptions, layer: number): boolean {
  return layer < nLayers - 1 || lastProjection;
}

/** What slots under the softmax of the attention ask of the rest of a model. */
export function checkModa(config: BlockConfig, { rope }: ModaDepth | ModaChunkDepth): void {
  const { localRopeTheta, nopeLayers } = config;
  if (rope === 'shared' && !rotatesAlike(config)) {
    refuseConfig(
      'depth keys that share rotary positions need layers that rotate alike',
      { 'depth.rope': rope, localRopeTheta, nopeLayers },
      "Set depth.rope to 'none'.",
    );
  }
}
