import { attentionMap, attentionStatistics } from '@modajs/moda';
import { createDecoder, type Decoder } from '@modajs/models';
import { init, noGrad, tensor, withoutScope } from '@modajs/tensor';

/** One layer by the library: `[H, T, T]`, `[H, T, S]`, and `[H, T]` of the masses. */
export interface LibraryLayer {
  readonly sequence: ArrayLike<number>;
  readonly depth: ArrayLike<number>;
  readonly depthMass: ArrayLike<number>;
  readonly sinkMass: ArrayLike<number>;
}

/** The library's maps of a model's copy on the f64 reference device, layer by layer. */
export async function libraryMaps(model: Decoder, ids: Int32Array): Promise<LibraryLayer[]> {
  const device = await init({ device: 'reference' });
  using copy = createDecoder(model.config, { device });
  const values = await Promise.all(
    Object.entries(model.parameters()).map(
      async ([name, parameter]) => [name, { shape: parameter.shape, data: await parameter.data() }] as const,
    ),
  );
  copy.loadParameters(new Map(values));
  const input = tensor(ids, { shape: [1, ids.length], dtype: 'i32', device });
  const found: (ReturnType<typeof attentionMap> & ReturnType<typeof attentionStatistics>)[] = [];
  noGrad(() =>
    copy.forward(input, {
      onAttention: (layer, probe) => {
        found[layer] = withoutScope(() => ({ ...attentionMap(probe), ...attentionStatistics(probe) }));
      },
    }),
  );
  return Promise.all(
    found.map(async ({ sequence, depth, depthMass, sinkMass }) => ({
      sequence: await sequence.data(),
      depth: depth ? await depth.data() : [],
      depthMass: await depthMass.data(),
      sinkMass: await sinkMass.data(),
    })),
  );
}
