import { attentionStatistics, summarizeAttention } from '@modajs/moda';
import type { Decoder } from '@modajs/models';
import { noGrad, tensor, withoutScope } from '@modajs/tensor';

/** Where a model's attention goes on some text: means over positions and heads, one entry a block. */
export interface AttentionByLayer {
  /** Share of the softmax on depth slots, 0 to 1; 0 without slots. */
  readonly depthMass: readonly number[];
  /** Entropy in nats of the distribution inside the depth part; 0 without slots. */
  readonly depthEntropy: readonly number[];
  /** Share of the softmax on the first position. */
  readonly sinkMass: readonly number[];
}

/**
 * Runs a model over one row and averages its attention statistics.
 *
 * @param tokens one row; its length is the T of the pass
 */
export async function attentionByLayer(decoder: Decoder, tokens: Int32Array): Promise<AttentionByLayer> {
  const layers: ReturnType<typeof attentionStatistics>[] = [];
  const ids = tensor(tokens, { shape: [1, tokens.length], dtype: 'i32', device: decoder.device });
  const hidden = noGrad(() =>
    decoder.forward(ids, {
      onAttention: (layer, probe) => {
        layers[layer] = withoutScope(() => attentionStatistics(probe));
      },
    }),
  );
  hidden.dispose();
  ids.dispose();
  const result = { depthMass: [] as number[], depthEntropy: [] as number[], sinkMass: [] as number[] };
  for (const statistics of layers) {
    const { depthMass, depthEntropy, sinkMass } = await summarizeAttention(statistics);
    result.depthMass.push(mean(depthMass));
    result.depthEntropy.push(mean(depthEntropy));
    result.sinkMass.push(mean(sinkMass));
    for (const values of Object.values(statistics)) values.dispose();
  }
  return result;
}

function mean(values: Float32Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
