import { type Device, type DType, noGrad, scope, tensor } from '@modajs/tensor';
import {
  createDecoder,
  type Decoder,
  DecoderCache,
  type DecoderConfig,
  openTokenDecoder,
  type TokenDecoder,
} from '../src/index.ts';

/** Tokens that are under way before the host reads the first, as in `generate`. */
const AHEAD = 4;

/** A model that decodes, with the times of its tokens. */
export interface DecodeRun {
  readonly name: string;
  readonly model: Decoder;
  readonly cache: DecoderCache;
  /** Null where the general operators decode. */
  readonly decoder: TokenDecoder | null;
  /** Milliseconds a token, one entry a round. */
  readonly timesMs: number[];
  /** Milliseconds a token that the host spent recording and submitting. */
  readonly hostMs: number[];
}

/** A model of random weights behind a prompt. */
export async function openRun(
  name: string,
  config: DecoderConfig,
  {
    device,
    dtype,
    prompt,
    tokens,
    isGeneral,
  }: { device: Device; dtype: DType; prompt: number; tokens: number; isGeneral: boolean },
): Promise<DecodeRun> {
  const model = createDecoder(config, { device, dtype, seed: 1 });
  const cache = new DecoderCache(config, { B: 1, capacity: prompt + tokens, dtype, device });
  const ids = Array.from({ length: prompt }, (_, i) => i % 50);
  {
    using _ = scope();
    const hidden = noGrad(() => model.forward(tensor([ids], { dtype: 'i32', device }), { cache }));
    await hidden.data();
    device.endStep();
  }
  const decoder = isGeneral ? null : openTokenDecoder(model, cache);
  decoder?.feed(1);
  await device.synchronize();
  return { name, model, cache, decoder, timesMs: [], hostMs: [] };
}

/** Decodes `count` tokens greedily and notes their time. */
export async function decodeTokens(run: DecodeRun, count: number): Promise<void> {
  const { decoder, model } = run;
  const start = performance.now();
  let hostMs = 0;
  if (decoder) {
    const underWay: Promise<unknown>[] = [];
    for (let i = 0; i < count; i++) {
      const before = performance.now();
      underWay.push(decoder.chooseAndFeed());
      hostMs += performance.now() - before;
      if (underWay.length >= AHEAD) await underWay.shift();
    }
    await Promise.all(underWay);
    await model.device.synchronize();
  } else {
    for (let i = 0; i < count; i++) await generalToken(run, i % 50);
    hostMs = Number.NaN;
  }
  run.timesMs.push((performance.now() - start) / count);
  run.hostMs.push(hostMs / count);
}

async function generalToken({ model, cache }: DecodeRun, id: number): Promise<void> {
  using _ = scope();
  const { device } = model;
  const logits = noGrad(() => model.logits(model.forward(tensor([[id]], { dtype: 'i32', device }), { cache })));
  await logits.data();
  device.endStep();
}
