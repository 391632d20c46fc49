import { createDecoder, type Decoder, type DecoderConfig, generateText } from '@modajs/models';
import type { Device } from '@modajs/tensor';
import type { Tokenizer } from '@modajs/tokenizer';
import {
  depthStatistics,
  MemoryStorage,
  prepareModelConfig,
  prepareText,
  type RunConfig,
  type RunListener,
  type RunSummary,
  readLatestCheckpoint,
  resolveRunConfig,
  runIdentityOf,
  splitText,
  TrainingRun,
} from '@modajs/train';
import { zipSync } from 'fflate';
import { pageModel } from './page-model.ts';
import { PAGE_MODELS, type PageModelSize } from './page-models.ts';
import type { Variant } from './training-messages.ts';

/** What a run in the page is made of. */
export interface PageRunOptions {
  readonly variant: Variant;
  readonly size: PageModelSize;
  readonly text: string;
  readonly tokenizer: Tokenizer;
  readonly steps: number;
  readonly seed: number;
  readonly device: Device;
  readonly listener: RunListener;
  /** Files of the same run on a device that was lost: it goes on from their last checkpoint. */
  readonly storage?: MemoryStorage;
  /** Called at each evaluation, between two steps. */
  readonly onSample?: (text: string) => void;
}

/** Continued at each evaluation, to be read while the model learns. */
const SAMPLE_PROMPT = 'The ';
const SAMPLE_TOKENS = 48;

/** One model training in the page's memory: the trainer's own run, its files in a `MemoryStorage`. */
export class PageRun {
  readonly storage: MemoryStorage;
  readonly config: RunConfig;
  readonly model: DecoderConfig;
  readonly decoder: Decoder;

  constructor(private readonly options: PageRunOptions) {
    const { variant, size, steps, seed, tokenizer, device } = options;
    const { batchSize, lr } = PAGE_MODELS[size];
    this.storage = options.storage ?? new MemoryStorage();
    this.config = resolveRunConfig({
      name: variant,
      seed,
      model: pageModel(size, variant, tokenizer.vocabSize),
      training: { steps, batchSize },
      optimizer: { lr },
      schedule: { warmupSteps: Math.min(20, Math.ceil(steps / 5)) },
      evaluation: { every: Math.max(10, Math.floor(steps / 10)), maxTokens: 2048 },
      checkpoint: { every: Math.max(10, Math.floor(steps / 20)), keepLast: 1 },
      logging: { tensorBoard: false },
    });
    this.model = prepareModelConfig(this.config, tokenizer.vocabSize);
    this.decoder = createDecoder(this.model, { device, seed });
  }

  /** Trains to the last step or until the signal; a second call goes on from the last checkpoint. */
  async run(signal: AbortSignal): Promise<RunSummary> {
    const { text, tokenizer, listener, device, variant } = this.options;
    const split = splitText([text], this.config.data.heldOut);
    const { sources, heldOut } = prepareText([{ name: 'page', weight: 1, split }], tokenizer);
    const identity = await runIdentityOf(this.config, this.model, tokenizer.toJson());
    await this.storage.write('config.json', JSON.stringify({ run: this.config, model: this.model }, null, 2));
    await this.storage.write('tokenizer.json', tokenizer.toJson());
    const probe = Int32Array.from(tokenizer.encode(text.slice(0, 2000))).slice(0, this.model.seqLen);
    const run = new TrainingRun({
      config: this.config,
      model: this.decoder,
      T: this.model.seqLen,
      sources,
      heldOut,
      separator: null,
      storage: this.storage,
      identity,
      writtenBy: { dashboard: variant, device: device.toString() },
      resumeFrom: await readLatestCheckpoint(this.storage),
      inspect: async () => {
        await this.sample();
        return depthStatistics(this.decoder, probe);
      },
      listener,
      signal,
    });
    return run.run();
  }

  private async sample(): Promise<void> {
    const { onSample } = this.options;
    if (!onSample) return;
    let text = SAMPLE_PROMPT;
    for await (const piece of this.generate(SAMPLE_PROMPT, { maxNewTokens: SAMPLE_TOKENS, temperature: 0.8 }))
      text += piece;
    onSample(text);
  }

  /** Continues a prompt, a piece of text at a time. */
  generate(
    prompt: string,
    options: { readonly maxNewTokens: number; readonly temperature: number; readonly signal?: AbortSignal },
  ): AsyncGenerator<string, void, void> {
    const topK = options.temperature === 0 ? 0 : 50;
    return generateText(this.decoder, this.options.tokenizer, prompt, { ...options, topK, seed: this.options.seed });
  }

  /** The run folder as a zip; unpacked, `moda generate <folder>` loads it. */
  zip(): Uint8Array {
    return zipSync(Object.fromEntries(this.storage.files), { level: 0 });
  }
}
