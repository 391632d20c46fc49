import { createInterface } from 'node:readline';
import { generateText } from '@modajs/models';
import { ConfigError } from '@modajs/tensor';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { outputIsClosed } from '../cli/closed-output.ts';
import { interruptSignal } from '../cli/interrupt-signal.ts';
import { openAdapter, type SourcedAdapter } from '../model/adapter-files.ts';
import { Chat } from '../model/chat.ts';
import { type LoadedModel, loadModel } from '../model/model-source.ts';
import { MODEL_NAMES, openModelSource } from '../model/open-model-source.ts';
import { openDevice } from '../run/open-device.ts';
import { CHECKPOINT_HELP, checkpointStep, positiveInteger, wholeNumber } from './train.ts';

interface GenerateOptions {
  readonly prompt?: string;
  readonly chat?: boolean;
  readonly samples: number;
  readonly system: string;
  readonly adapter: readonly string[];
  readonly maxNewTokens: number;
  readonly temperature: number;
  readonly topK: number;
  readonly topP: number;
  readonly minP: number;
  readonly repetitionPenalty: number;
  readonly stop: readonly string[];
  readonly seed: number;
  readonly device: 'auto' | 'webgpu' | 'cpu' | 'reference';
  readonly threads?: number;
  readonly step?: number | 'best';
  readonly average?: boolean;
  readonly dequantize?: boolean;
  readonly out: string;
}

const temperature = numberThat('temperature', (number) => number >= 0, 'of at least 0');
const penalty = numberThat('repetition-penalty', (number) => number > 0, 'above 0');
const topP = numberThat('top-p', (number) => number > 0 && number <= 1, 'above 0 and at most 1');
const minP = numberThat('min-p', (number) => number >= 0 && number <= 1, 'from 0 to 1');

/** `moda generate`. */
export function registerGenerate(program: Command): void {
  const command = program
    .command('generate')
    .description('continue a prompt with a model, printing as it goes')
    .argument('<model>', MODEL_NAMES)
    .option('--chat', "answer by the model's chat template, as moda chat does");
  withSampling(command)
    .option('-p, --prompt <text>', 'text to continue; without it, read from standard input')
    .option('--samples <count>', 'how many continuations, with seeds that follow each other', positiveInteger, 1)
    .action(generateWith);
}

/** `moda chat`. */
export function registerChat(program: Command): void {
  const command = program
    .command('chat')
    .description('talk to a model that has a chat template; each line is a turn, Ctrl-D ends')
    .argument('<model>', MODEL_NAMES);
  withSampling(command)
    .option('-p, --prompt <text>', 'one turn; without it, each line of standard input')
    .action((name: string, options: GenerateOptions) => generateWith(name, { ...options, chat: true, samples: 1 }));
}

/** Options of what a model writes. */
function withSampling(command: Command): Command {
  return command
    .option('--system <text>', 'in a chat: what the model is told first', '')
    .option(
      '--adapter <name>',
      "an adapter to add: a run trained with --lora, or a folder of PEFT's files; may be repeated",
      (name, before: string[]) => [...before, name],
      [],
    )
    .option('--max-new-tokens <count>', 'most tokens to add', positiveInteger, 200)
    .option('-t, --temperature <number>', '0 takes the likeliest token', temperature, 0.8)
    .option('--top-k <count>', 'sample among this many tokens; 0 for all', wholeNumber, 0)
    .option('--top-p <share>', 'sample among the fewest tokens with this probability', topP, 1)
    .option('--min-p <share>', 'leave out tokens below this share of the likeliest', minP, 0)
    .option('--repetition-penalty <factor>', 'make tokens seen before less likely', penalty, 1)
    .option('--stop <text>', 'end before this text; may be repeated', (text, before: string[]) => [...before, text], [])
    .option('--seed <number>', 'seed of the draws', wholeNumber, 0)
    .addOption(
      new Option('-d, --device <name>', 'device').choices(['auto', 'webgpu', 'cpu', 'reference']).default('auto'),
    )
    .option('--threads <count>', 'threads of the cpu device', positiveInteger)
    .option('--step <step>', CHECKPOINT_HELP, checkpointStep)
    .option('--average', 'use the moving average of the weights')
    .option('--dequantize', 'widen weights that a GGUF file has in Q8_0 or Q4_0, which stay so in memory by default')
    .option('-o, --out <folder>', 'where runs are kept', 'runs');
}

async function generateWith(name: string, options: GenerateOptions): Promise<void> {
  const source = await openModelSource(name, options);
  try {
    const adapters: SourcedAdapter[] = [];
    for (const adapter of options.adapter) adapters.push(await openAdapter(adapter, options.out, source.config));
    if (!options.chat && options.system !== '') {
      throw new ConfigError(`generate: --system must stand beside --chat, got ${options.system}. Add --chat.`);
    }
    if (options.chat && options.samples > 1) {
      throw new ConfigError(`generate: --samples must be 1 beside --chat, got ${options.samples}. Leave one out.`);
    }
    const prompt = options.prompt ?? (options.chat ? null : await readStandardInput());
    if (prompt === '') {
      throw new ConfigError('generate: the prompt must not be empty, got "". Give --prompt or pipe text in.');
    }
    const device = await openDevice({ device: options.device, threads: options.threads ?? null });
    try {
      const model = await loadModel(source, device, adapters, !options.dequantize);
      if (options.chat) await answerTurns(model, prompt, options);
      else await continueText(model, prompt!, options);
    } finally {
      device.destroy();
    }
  } finally {
    await source.close();
  }
}

function samplingOf(options: GenerateOptions) {
  const { maxNewTokens, temperature, topK, topP, minP, repetitionPenalty, stop, seed } = options;
  return { maxNewTokens, temperature, topK, topP, minP, repetitionPenalty, stop, seed };
}

/** Answers one prompt, or every line of standard input, each with all that was said before. */
async function answerTurns(model: LoadedModel, prompt: string | null, options: GenerateOptions): Promise<void> {
  const chat = new Chat(model, options.system);
  const signal = interruptSignal(() => {});
  const isTyped = prompt === null && process.stdin.isTTY && process.stdout.isTTY;
  const invite = (): void => void (isTyped && process.stdout.write('> '));
  const turns = prompt === null ? createInterface({ input: process.stdin }) : [prompt];
  invite();
  for await (const turn of turns) {
    if (turn.trim() === '') {
      invite();
      continue;
    }
    for await (const piece of chat.ask(turn, { ...samplingOf(options), signal })) process.stdout.write(piece);
    process.stdout.write('\n');
    if (outputIsClosed() || signal.aborted) break;
    invite();
  }
  model.decoder.dispose();
}

async function continueText({ decoder, tokenizer, special }: LoadedModel, prompt: string, options: GenerateOptions) {
  const signal = interruptSignal(() => {});
  const { samples } = options;
  for (let sample = 0; sample < samples && !signal.aborted && !outputIsClosed(); sample++) {
    if (samples > 1) process.stdout.write(`${sample === 0 ? '' : '\n'}--- ${sample + 1} of ${samples}\n`);
    process.stdout.write(prompt);
    const seed = options.seed + sample;
    const sampling = { ...samplingOf(options), seed, eos: special.end, signal };
    for await (const piece of generateText(decoder, tokenizer, prompt, sampling)) {
      process.stdout.write(piece);
      if (outputIsClosed()) break;
    }
    process.stdout.write('\n');
  }
  decoder.dispose();
}

async function readStandardInput(): Promise<string> {
  if (process.stdin.isTTY) return '';
  let text = '';
  for await (const piece of process.stdin.setEncoding('utf8')) text += piece;
  return text.replace(/\n$/, '');
}

/** A parser of the number that an option is, for which something must hold. */
function numberThat(name: string, holds: (number: number) => boolean, rule: string): (value: string) => number {
  return (value) => {
    const number = Number(value);
    if (value.trim() === '' || !Number.isFinite(number)) throw new InvalidArgumentError('It must be a number.');
    if (holds(number)) return number;
    throw new ConfigError(`generate: ${name} must be a number ${rule}, got ${value}. Leave it out for the default.`);
  };
}
