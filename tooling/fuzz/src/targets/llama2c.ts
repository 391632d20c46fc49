import { readLlama2c } from '@modajs/models';
import type { FuzzTarget } from '../fuzz-target.ts';
import { mutateBytes } from '../mutate-bytes.ts';

/** A file by the format's description: seven sizes, the weights, the tables of angles, the output matrix. */
function fileOf([dModel, dFf, nLayers, nHeads, nKvHeads, vocabSize, seqLen]: readonly number[]): Uint8Array {
  const headDim = dModel / nHeads;
  const block = 2 * dModel + 2 * dModel * dModel + 2 * dModel * headDim * nKvHeads + 3 * dModel * dFf;
  const embedding = Math.abs(vocabSize) * dModel;
  const count = embedding + nLayers * block + dModel + seqLen * headDim + (vocabSize < 0 ? embedding : 0);
  const file = new DataView(new ArrayBuffer(28 + 4 * count));
  for (const [i, size] of [dModel, dFf, nLayers, nHeads, nKvHeads, vocabSize, seqLen].entries())
    file.setInt32(4 * i, size, true);
  for (let i = 0; i < count; i++) file.setFloat32(28 + 4 * i, i / 8, true);
  return new Uint8Array(file.buffer);
}

export const target: FuzzTarget = {
  name: 'llama2c',
  async seeds() {
    return [fileOf([8, 12, 2, 2, 1, 11, 5]), fileOf([4, 7, 1, 1, 1, -3, 2])];
  },
  mutate(bytes, random) {
    if (random.chance(0.5)) return mutateBytes(bytes, random);
    // Half of the cases change the header alone.
    const header = mutateBytes(bytes.slice(0, 28), random);
    const out = bytes.slice();
    out.set(header.subarray(0, Math.min(28, out.length)));
    return out;
  },
  async run(bytes) {
    const { config, parameters } = readLlama2c(bytes);
    let values = config.seqLen * config.headDim;
    for (const [name, { shape, data }] of parameters) {
      if (data.length !== shape.reduce((product, length) => product * length, 1))
        throw new Error(`${name} [${shape}] has ${data.length} values`);
      values += data.length;
    }
    if (28 + 4 * values !== bytes.length) throw new Error(`the model holds ${values} values of ${bytes.length} bytes`);
  },
};
