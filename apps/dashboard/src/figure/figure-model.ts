import { createDecoder, type Decoder, defineDecoderConfig } from '@modajs/models';
import { AdamW, backward, clipGradNorm, type Device, type Tensor, tensor, tidy } from '@modajs/tensor';

/** Rows of characters a step learns from. */
const BATCH = 4;
const LENGTH = 48;
/** Characters are their own tokens: no tokenizer has to load before the figure moves. */
const CHARACTERS = 128;

const PEAK_RATE = 6e-3;
const WARM_UP = 20;

/** Steps that the figure's model trains: its loss has left the plateau of letter frequencies by then. */
export const FIGURE_STEPS = 200;

/** What the figure's model reads. */
export const FIGURE_PROMPT = 'The whale looked back.';

/** The figure's model: six blocks of width 32 over characters, some 50 thousand parameters. */
export const FIGURE_CONFIG = defineDecoderConfig({
  nLayers: 6,
  nHeads: 2,
  nKvHeads: 1,
  headDim: 16,
  dModel: 32,
  dFf: 64,
  vocabSize: CHARACTERS,
  seqLen: LENGTH,
  norm: 'pre',
  tieEmbeddings: false,
  depth: 'moda',
});

/** Text as character codes; what is no ASCII becomes a space. */
export const characters = {
  encode: (text: string): Int32Array =>
    Int32Array.from(text, (character) => (character.charCodeAt(0) < CHARACTERS ? character.charCodeAt(0) : 32)),
  bytesOf: (id: number): Uint8Array => Uint8Array.of(id),
};

/** A batch of `BATCH` rows, from as many places of the text. */
function rowsAt(codes: Int32Array, step: number, shift: number): Int32Array {
  const rows = new Int32Array(BATCH * LENGTH);
  const room = codes.length - LENGTH - 1;
  for (let row = 0; row < BATCH; row++) {
    const from = ((step * BATCH + row) * 7919) % room;
    rows.set(codes.subarray(from + shift, from + shift + LENGTH), row * LENGTH);
  }
  return rows;
}

/** The figure's model before its first step. */
export function createFigureModel(device: Device): Decoder {
  return createDecoder(FIGURE_CONFIG, { device, seed: 3 });
}

/**
 * Trains a model on a text: AdamW, cross-entropy over characters, the whole loop in a screen of code.
 *
 * @param onStep called after every step with its loss, nats per character, a tensor that lives during the call; the loop waits
 */
export async function trainFigureModel(
  decoder: Decoder,
  text: string,
  steps: number,
  onStep: (step: number, loss: Tensor) => Promise<void>,
): Promise<void> {
  const { device } = decoder;
  const parameters = decoder.parameters();
  const optimizer = new AdamW(parameters, { lr: PEAK_RATE, weightDecay: 0 });
  const codes = characters.encode(text);
  for (let step = 0; step < steps; step++) {
    const rows = (shift: number): Tensor =>
      tensor(rowsAt(codes, step, shift), { shape: [BATCH, LENGTH], dtype: 'i32', device });
    const loss = tidy(() => {
      const value = decoder.loss(rows(0), rows(1));
      backward(value);
      return value;
    });
    const { gradScale } = clipGradNorm(parameters, 1);
    optimizer.step({ lr: PEAK_RATE * Math.min(1, (step + 1) / WARM_UP) * (1 - (0.9 * step) / steps), gradScale });
    optimizer.zeroGrad();
    await onStep(step + 1, loss);
    loss.dispose();
    device.endStep();
  }
}
