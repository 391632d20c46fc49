import { writeFile } from 'node:fs/promises';
import { ConfigError } from '@modajs/tensor';
import { type PatternName, trainBpe } from '@modajs/tokenizer';
import { encodeFilesToShards, type OnInvalid, streamTrainingTexts } from '@modajs/tokenizer/node';
import { DOCUMENT_SEPARATOR, splitSource } from '@modajs/train';
import { type Command, Option } from 'commander';
import { interruptSignal } from '../cli/interrupt-signal.ts';
import { loadTokenizer } from '../run/prepare-tokenizer.ts';
import { readDocuments } from '../run/read-documents.ts';
import { bytes, compact } from '../terminal/format.ts';
import { type OverlapOptions, reportOverlap } from './tokenize-overlap.ts';
import { positiveInteger, share, wholeNumber } from './train.ts';

/** `moda tokenize`. */
export function registerTokenize(program: Command): void {
  const tokenize = program.command('tokenize').description('train tokenizers, encode, decode, and make token shards');
  registerTrainTokenizer(tokenize);
  registerEncode(tokenize);
  registerDecode(tokenize);
  registerShards(tokenize);
  registerOverlap(tokenize);
}

const onInvalidOption = (): Option =>
  new Option('--on-invalid <action>', 'text that is not UTF-8').choices(['fail', 'replace', 'skip']).default('fail');

function registerTrainTokenizer(tokenize: Command): void {
  tokenize
    .command('train')
    .description('train a byte-level BPE tokenizer on files or folders')
    .argument('<inputs...>', '.txt, .jsonl (also .gz, .zst), .parquet, folders')
    .requiredOption('-v, --vocab-size <count>', 'tokens, special ones included', positiveInteger)
    .option('-o, --output <file>', 'where to write it', 'tokenizer.json')
    .option('--pattern <name>', 'how text is cut into words: gpt2, cl100k, o200k or a regular expression', 'cl100k')
    .option('--held-out <share>', 'leave out the documents that `data.heldOut` of this share holds out', share, 0)
    .addOption(onInvalidOption())
    .action(async (inputs: string[], options: TrainTokenizerOptions) => {
      const tokenizer = await trainBpe(trainingTexts(inputs, options), {
        vocabSize: options.vocabSize,
        pattern: options.pattern,
        specialTokens: [DOCUMENT_SEPARATOR],
      });
      await writeFile(options.output, tokenizer.toJson());
      console.log(`${tokenizer.vocabSize} tokens in ${options.output}`);
    });
}

/** Texts of all documents; with a held-out share, of those that a run trains on. */
async function* trainingTexts(
  inputs: readonly string[],
  { heldOut, onInvalid }: Pick<TrainTokenizerOptions, 'heldOut' | 'onInvalid'>,
): AsyncGenerator<string> {
  if (heldOut === 0) return yield* streamTrainingTexts(inputs, { onInvalid });
  for (const input of inputs) {
    const documents = await readDocuments(input, onInvalid);
    yield* splitSource(documents, { heldOut, heldOutBy: 'document' }).train;
  }
}

interface TrainTokenizerOptions {
  readonly heldOut: number;
  readonly vocabSize: number;
  readonly output: string;
  readonly pattern: PatternName | (string & {});
  readonly onInvalid: OnInvalid;
}

function registerEncode(tokenize: Command): void {
  tokenize
    .command('encode')
    .description('print the token ids of a text')
    .argument('<tokenizer>', 'a tokenizer.json')
    .argument('<text>', 'the text')
    .action(async (path: string, text: string) => {
      const tokenizer = await loadTokenizer(path);
      console.log([...tokenizer.encode(text)].join(' '));
    });
}

function registerDecode(tokenize: Command): void {
  tokenize
    .command('decode')
    .description('print the text of token ids')
    .argument('<tokenizer>', 'a tokenizer.json')
    .argument('<ids...>', 'whole numbers')
    .action(async (path: string, ids: string[]) => {
      const tokenizer = await loadTokenizer(path);
      const bad = ids.find((id) => !/^\d+$/.test(id));
      if (bad !== undefined) throw new ConfigError(`tokenize: ids must be whole numbers, got "${bad}".`);
      console.log(tokenizer.decode(ids.map(Number)));
    });
}

function registerOverlap(tokenize: Command): void {
  tokenize
    .command('overlap')
    .description('report held-out documents that share n-grams of words with the text that a run trains on')
    .argument('<inputs...>', 'the sources of a run: .txt, .jsonl (also .gz, .zst), .parquet, folders')
    .requiredOption('--held-out <share>', 'data.heldOut of the run', share)
    .addOption(
      new Option('--held-out-by <what>', 'data.heldOutBy of the run').choices(['document', 'end']).default('document'),
    )
    .option('-n, --ngram <count>', 'words of an n-gram', positiveInteger, 13)
    .option('-O, --output <file>', 'also write the reports as JSON, with the documents found')
    .addOption(onInvalidOption())
    .action((inputs: string[], options: OverlapOptions) => reportOverlap(inputs, options));
}

interface ShardsOptions {
  readonly output: string;
  readonly shardTokens?: number;
  readonly threads?: number;
  readonly onInvalid: OnInvalid;
}

function registerShards(tokenize: Command): void {
  tokenize
    .command('shards')
    .description(
      'encode files into token shards for `moda train <folder>`; the same command again goes on after a kill',
    )
    .argument('<tokenizer>', 'a tokenizer.json')
    .argument('<inputs...>', '.txt, .jsonl (also .gz, .zst), .parquet, folders')
    .requiredOption('-o, --output <folder>', 'where the shards go')
    .option('--shard-tokens <count>', 'tokens of a shard', positiveInteger)
    .option('--threads <count>', 'worker threads; 0 works in the main thread', wholeNumber)
    .addOption(onInvalidOption())
    .action(async (path: string, inputs: string[], options: ShardsOptions) => {
      const tokenizer = await loadTokenizer(path);
      const manifest = await encodeFilesToShards({
        inputs,
        outDir: options.output,
        tokenizer,
        endOfText: tokenizer.idOf(DOCUMENT_SEPARATOR),
        shardTokens: options.shardTokens,
        threads: options.threads,
        onInvalid: options.onInvalid,
        signal: interruptSignal(() => console.error('finishing the shard at hand')),
        onProgress: ({ documents, tokens, readBytes, sourceBytes }) => {
          if (process.stdout.isTTY) {
            process.stdout.write(
              `\r\x1b[2K${compact(documents)} documents, ${compact(tokens)} tokens, ${bytes(readBytes)} of ${bytes(sourceBytes)}`,
            );
          }
        },
      });
      if (process.stdout.isTTY) process.stdout.write('\n');
      const state = manifest.complete ? 'complete' : 'interrupted; run it again to go on';
      console.log(
        `${manifest.documents} documents, ${manifest.tokens} tokens, ${manifest.shards.length} shards: ${state}`,
      );
    });
}
