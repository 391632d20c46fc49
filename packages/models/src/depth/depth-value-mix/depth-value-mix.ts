import { depthAttention } from '@modajs/moda';
import { mean, reshape } from '@modajs/tensor';
import type { BlockConfig } from '../../config/block-config.ts';
import { refuseConfig } from '../../config/refuse-config.ts';
import { rotatesAlike } from '../../decoder/rotation.ts';
import type { DepthMechanism, DepthPass } from '../depth-mechanism.ts';
import type { ValueMixer } from '../value-mixer.ts';

/** Values mixed over depth. */
export interface DepthValueMixDepth {
  readonly kind: 'depth-value-mix';
}

/**
 * Depth-Attention as value mixing: before attending over the sequence, a layer's query attends over the keys of all
 * layers so far at its own position, and the mixed values take the place of its own. No parameters; the cache holds the
 * mixed values, so decoding needs nothing but the ordinary cache. With grouped heads the group's mean query decides.
 * Reference: Zeng et al., "Depth-Attention: Cross-Layer Value Mixing", arXiv 2606.05014.
 */
function mixOverDepth({ config: { nKvHeads, softmaxScale }, stream }: DepthPass): ValueMixer {
  if (stream === null) throw new Error('depth-value-mix: a pass must have a stream.');
  return (_layer, q, k, v) => {
    stream.write(k, v);
    const [B, T, H, D] = q.shape;
    const grouped = reshape(q, [B, T, nKvHeads, H / nKvHeads, D]);
    return depthAttention(mean(grouped, { axes: [3] }), stream.read(), { scale: softmaxScale ?? undefined }).out;
  };
}

function checkRotation(config: BlockConfig): void {
  if (rotatesAlike(config)) return;
  const { localRopeTheta, nopeLayers } = config;
  refuseConfig(
    'depth-value-mix needs keys that rotate alike in all layers',
    { depth: 'depth-value-mix', localRopeTheta, nopeLayers },
    "Set depth to 'value-residual'.",
  );
}

/** Depth-Attention as value mixing. Its slots are read by the mixing, which FLOPs count through matrices alone. */
export const depthValueMix: DepthMechanism<DepthValueMixDepth> = {
  kind: 'depth-value-mix',
  options: {},
  residualSum: 'kept',
  check: checkRotation,
  mixValues: mixOverDepth,
  slots: ({ nLayers }) => ({ written: nLayers, perBlock: 0, readBy: () => 0, positions: () => 1 }),
};
