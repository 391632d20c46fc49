import type { DecodeBlocksConfig } from '@modajs/kernels';
import { assign, DeviceError, type HostArray, KernelError, ShapeError } from '@modajs/tensor';
import type { PreparedSequence } from '@modajs/tensor/extend';
import type { Decoder } from '../decoder/decoder.ts';
import type { DecoderCache } from '../decoder/decoder-cache.ts';
import { canDecodeFused } from './can-decode-fused.ts';
import { createDecodeBuffers, type DecodeBuffers, disposeDecodeBuffers } from './decode-buffers.ts';
import type { DecodeProgram } from './decode-program.ts';
import { DecodeVectors } from './decode-vectors.ts';
import { openDecodeProgram } from './open-decode-program.ts';
import { DecodeRecorder, type DecodeSources } from './record-decoding.ts';

/** How a token decoder runs. */
export interface TokenDecoderOptions {
  /** Whether one kernel may run all blocks where the device can (default); an object cuts it otherwise, for tuning. */
  readonly oneKernel?: boolean | DecodeBlocksConfig;
  /** Ids below this may be chosen; all by default. */
  readonly vocabSize?: number;
}

/** A token that the device chose. */
export interface ChosenToken {
  readonly id: number;
  /** Log-probability under the model at temperature 1. */
  readonly logProb: number;
}

/**
 * Decoding of one row, token by token, by fused kernels that are recorded once and replayed: five a block, nothing but their
 * numbers changes. `feed` takes a token from the host; `choose` lets the device choose the most probable next one and go on
 * from it, so that many steps may be under way before the host reads the first result.
 * The model's parameters must stay as they are: norms and biases are copied when the decoder is made.
 */
export class TokenDecoder implements Disposable {
  readonly #cache: DecoderCache;
  readonly #buffers: DecodeBuffers;
  readonly #vectors: DecodeVectors;
  readonly #step: PreparedSequence;
  readonly #choice: PreparedSequence;
  #chosen = 0;

  /** Use `openTokenDecoder`. @throws KernelError, OutOfMemoryError */
  constructor(model: Decoder, cache: DecoderCache, { oneKernel = true, vocabSize }: TokenDecoderOptions = {}) {
    const { config, device, computeDtype: dtype } = model;
    const program = openDecodeProgram(device)!;
    this.#cache = cache;
    this.#vectors = new DecodeVectors(model.parameters(), device);
    this.#buffers = createDecodeBuffers(config, { capacity: cache.options.capacity, dtype, device, program });
    try {
      const sources = { config, parameters: model.parameters(), vectors: this.#vectors, buffers: this.#buffers, cache };
      this.#step = prepareStep(program, sources, oneKernel);
      program.choose(this.#buffers.logits, this.#buffers.state, this.#buffers.results, vocabSize);
      this.#choice = program.prepare();
    } catch (error) {
      this.#vectors.dispose();
      disposeDecodeBuffers(this.#buffers);
      throw error;
    }
  }

  /** Kernels that one greedy token takes. */
  get dispatches(): number {
    return this.#step.length + this.#choice.length;
  }

  /** Runs `token` at the cache's next position; `logits` are those of what follows. @throws ShapeError when the cache is full */
  feed(token: number): void {
    const { state } = this.#buffers;
    assign(state, Int32Array.of(this.#cache.length, token, this.#chosen, 0));
    this.#run();
  }

  /** Runs `token` and reads the logits of what follows. @throws ShapeError when the cache is full */
  async logitsAfter(token: number): Promise<HostArray> {
    this.feed(token);
    const { logits } = this.#buffers;
    const values = await logits.data();
    logits.device.endStep();
    return values;
  }

  /** Chooses the most probable token of the latest logits on the device and runs it; `chosen` gives it later. @throws ShapeError */
  chooseAndFeed(): Promise<ChosenToken> {
    const token = this.choose();
    this.#run();
    return token;
  }

  /** Chooses the most probable token of the latest logits on the device; the state stands ready to run it. */
  choose(): Promise<ChosenToken> {
    const { results } = this.#buffers;
    if (this.#chosen >= results.shape[0]) {
      throw new ShapeError(`tokenDecoder.choose: at most ${results.shape[0]} tokens fit the cache, got one more.`);
    }
    this.#choice.replay();
    const { backend } = results.device;
    const pair = backend.download(results.storage.raw, 2 * this.#chosen++, 2);
    results.device.endStep();
    return pair.then((values) => {
      const bits = Uint32Array.from(values);
      return { id: bits[0], logProb: new Float32Array(bits.buffer)[1] };
    });
  }

  /**
   * For results that are NaN: whether the kernel for all blocks is to blame.
   *
   * @throws DeviceError when its workgroups waited for each other in vain
   */
  async requireProgress(): Promise<void> {
    const { exchange } = this.#buffers;
    const [, hasFailed] = await exchange.device.backend.download(exchange.storage.raw, 0, 2);
    if (hasFailed) {
      throw new DeviceError(
        'tokenDecoder: workgroups must run together, but some waited for others in vain. Open the device with residentWorkgroups: 0.',
      );
    }
  }

  #run(): void {
    for (const layer of this.#cache.layers) layer.advance(1);
    this.#step.replay();
  }

  dispose(): void {
    this.#step.dispose();
    this.#choice.dispose();
    this.#vectors.dispose();
    disposeDecodeBuffers(this.#buffers);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** One token in one kernel for all blocks where workgroups may wait for each other and the model fits, else in five a block. */
function prepareStep(
  program: DecodeProgram,
  sources: DecodeSources,
  oneKernel: boolean | DecodeBlocksConfig,
): PreparedSequence {
  if (program.hasResidentWorkgroups && oneKernel !== false) {
    try {
      new DecodeRecorder(program, sources).record(oneKernel === true ? {} : oneKernel);
      return program.prepare();
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
    }
  }
  new DecodeRecorder(program, sources).record(null);
  return program.prepare();
}

/** A decoder of single tokens behind what `cache` holds, or null where the general operators must do: see `canDecodeFused`. */
export function openTokenDecoder(
  model: Decoder,
  cache: DecoderCache,
  options: TokenDecoderOptions = {},
): TokenDecoder | null {
  if (!canDecodeFused(model, cache)) return null;
  try {
    return new TokenDecoder(model, cache, options);
  } catch (error) {
    // The device is too small for the kernels.
    if (error instanceof KernelError) return null;
    throw error;
  }
}
