import {
  createDecoder,
  type Decoder,
  type DecoderConfig,
  type GenerateTextOptions,
  generateText,
} from '@modajs/models';
import { CheckpointError, ConfigError, type Device, defaultDevice, type Platform, shown } from '@modajs/tensor';
import { checkOptions, type OptionChecks, orAbsent, whole } from '@modajs/tensor/checks';
import { Tokenizer } from '@modajs/tokenizer';
import { readCheckpoint, readLatestCheckpoint } from '../checkpoint/checkpoint.ts';
import { restoreTensors } from '../checkpoint/restore-tensors.ts';
import { sha256 } from '../checkpoint/sha256.ts';
import type { RunConfig } from '../config/run-config.ts';
import { type MetricsRow, readMetrics } from '../metrics/metrics-log.ts';
import type { RunFiles } from '../storage/run-files.ts';
import { filesOfRun, type GivenFiles } from './given-files.ts';
import { parseSavedConfig } from './saved-config.ts';
import { ownSpecialTokens, type SpecialTokens } from './special-tokens.ts';
import { UrlFiles } from './url-files.ts';

/** Where a run's files are: a storage, the address of its folder, or files that a page was given. */
export type RunPlace = RunFiles | string | Platform<'URL'> | GivenFiles;

export interface OpenRunOptions {
  /** The default device when left out. */
  readonly device?: Device;
  /** Checkpoint to open; the newest whole one by default. */
  readonly step?: number;
}

const OPTIONS: OptionChecks<OpenRunOptions> = { device: () => {}, step: orAbsent(whole()) };

/** A trained model with all that its run kept. */
export class OpenedRun implements Disposable {
  constructor(
    readonly model: Decoder,
    readonly tokenizer: Tokenizer,
    readonly special: SpecialTokens,
    /** Settings of the run; `model.config` are those of the model. */
    readonly config: RunConfig,
    /** Rows of `metrics.jsonl`, in order. */
    readonly metrics: readonly MetricsRow[],
    /** Steps that the weights have been trained; null where the files do not say. */
    readonly step: number | null,
  ) {}

  /** Continues a text, piece by piece, up to a token that ends texts. @throws ConfigError, DataError as `generate` */
  generate(prompt: string, options: GenerateTextOptions = {}): AsyncGenerator<string, void, void> {
    return generateText(this.model, this.tokenizer, prompt, { eos: [...this.special.end], ...options });
  }

  /** Frees the model. */
  dispose(): void {
    this.model.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/**
 * Opens what `moda train`, `trainModel` or a page trained: `config.json`, `tokenizer.json`, `metrics.jsonl`, and `checkpoints/` or one
 * `model.safetensors`. A path on disk is for `openRun` of `@modajs/train/node`.
 *
 * @throws CheckpointError naming the file that is missing or damaged; ConfigError for what is no run, and for a run that trained an adapter
 */
export async function openRun(place: RunPlace, options: OpenRunOptions = {}): Promise<OpenedRun> {
  checkOptions('openRun', options, OPTIONS);
  const files = await filesAt(place);
  const device = options.device ?? defaultDevice();
  const { run, model, origin } = parseSavedConfig(await readText(files, 'config.json'), 'config.json');
  if (run.lora.rank !== null) {
    throw new ConfigError(
      `openRun: the run must hold a whole model, got an adapter of ${origin?.name ?? 'another model'}. Add it to its model: moda export <run>.`,
    );
  }
  const tokenizerJson = await readText(files, 'tokenizer.json');
  const tokenizer = Tokenizer.fromJson(tokenizerJson);
  const weights = await readWeights(files, options.step, tokenizerJson);
  const metrics = await readMetrics(files);
  const decoder = restored(model, weights.bytes, device, run);
  return new OpenedRun(decoder, tokenizer, origin?.special ?? ownSpecialTokens(tokenizer), run, metrics, weights.step);
}

async function filesAt(place: RunPlace): Promise<RunFiles> {
  if (place instanceof URL) return new UrlFiles(place.href);
  if (typeof place === 'string') {
    if (/^(https?|blob|data):/.test(place)) return new UrlFiles(place);
    throw new ConfigError(
      `openRun: place must be an address, files or a storage, got ${shown(place)}. Paths on disk are for openRun of @modajs/train/node.`,
      { place },
    );
  }
  if (place !== null && typeof place === 'object') {
    if ('read' in place && 'list' in place) return place;
    if (Symbol.iterator in place) return filesOfRun(place);
  }
  throw new ConfigError(`openRun: place must be an address, files or a storage, got ${shown(place)}.`, { place });
}

async function readText(files: RunFiles, name: string): Promise<string> {
  if (await files.exists(name)) return new TextDecoder().decode(await files.read(name));
  throw new CheckpointError(
    `openRun: ${name} must be in ${files.location}, it is not. Give the folder that moda train made.`,
    { name },
  );
}

async function readWeights(
  files: RunFiles,
  step: number | undefined,
  tokenizerJson: string,
): Promise<{ readonly bytes: Uint8Array; readonly step: number | null }> {
  const name = 'model.safetensors';
  if (step === undefined && (await files.exists(name))) return { bytes: await files.read(name), step: null };
  const checkpoint = step === undefined ? await readLatestCheckpoint(files) : await readCheckpoint(files, step);
  const bytes = checkpoint?.files[name];
  if (!checkpoint || !bytes) {
    throw new CheckpointError(
      `openRun: ${files.location} must hold checkpoints/ or ${name}, it has neither. Give all of its files, or train it further.`,
    );
  }
  const saved = checkpoint.identity['tokenizer.sha256'];
  if (saved !== undefined && saved !== (await sha256(new TextEncoder().encode(tokenizerJson)))) {
    throw new CheckpointError(
      'openRun: tokenizer.json must be the one that the weights were trained with, got another file. Put the first one back.',
    );
  }
  return { bytes, step: checkpoint.state.step };
}

function restored(config: DecoderConfig, weights: Uint8Array, device: Device, run: RunConfig): Decoder {
  const isHalf = run.training.dtype === 'f16' && device.supportsF16;
  const decoder = createDecoder(config, { device, computeDtype: isHalf ? 'f16' : 'f32' });
  try {
    restoreTensors(decoder.parameters(), weights, 'model.safetensors');
    return decoder;
  } catch (error) {
    decoder.dispose();
    throw error;
  }
}
