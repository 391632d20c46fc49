import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  cachedRowSource,
  createDecoderScorer,
  createScorerModel,
  evaluatePerplexity,
  loadDocuments,
  type PerplexityDomain,
  type RowSource,
  runEvaluation,
  selectTasks,
  type TaskSelection,
} from '@modajs/eval';
import { type Decoder, hasAttentionMaps } from '@modajs/models';
import { ConfigError, DataError } from '@modajs/tensor';
import type { Tokenizer } from '@modajs/tokenizer';
import { type AttentionByLayer, attentionByLayer, DOCUMENT_SEPARATOR, type HeldOutText } from '@modajs/train';
import { openRows } from '../commands/eval-files.ts';
import { plainText } from '../commands/eval-model.ts';
import { readDocuments } from '../run/read-documents.ts';
import { sourceNames } from '../run/source-names.ts';
import type { Measures } from './study-file.ts';

const STYLE = 'olmes';
/** Rows of held-out text that attention is averaged over. */
const ATTENTION_ROWS = 8;
/** Few shapes of batches: each new one makes a device compile. */
const LENGTH_MULTIPLE = 64;

/** What every finished model of a study is measured with, read once. */
export class ModelMeasures {
  private constructor(
    private readonly measures: Measures,
    private readonly domains: readonly PerplexityDomain[],
    private readonly selection: TaskSelection,
    private readonly rows: RowSource,
  ) {}

  /** @throws ConfigError for an unknown task; DataError for data that is missing or not what a task expects */
  static async open(measures: Measures): Promise<ModelMeasures> {
    const { perplexity, perplexityBytes, tasks, taskData, taskLimit: limit } = measures;
    const domains = perplexity === null ? [] : await readDomains(perplexity, perplexityBytes);
    const { tasks: specs } = selectTasks(tasks, STYLE);
    // Accuracies of models of this size mean nothing: one number a task, and no unconditional requests.
    const selection: TaskSelection = {
      tasks: specs.map((spec) => ({
        ...spec,
        unconditioned: null,
        metrics: ['bits_per_byte'],
        primaryMetric: 'bits_per_byte',
      })),
      groups: [],
    };
    const rows = cachedRowSource(openRows(taskData === null ? {} : { data: taskData }));
    for (const spec of selection.tasks) await loadDocuments(spec, rows, { limit, shots: 0 });
    return new ModelMeasures(measures, domains, selection, rows);
  }

  /** Bits per byte: `perplexity/<domain>` of its text, `task/<name>` of the right answers. */
  async run(decoder: Decoder, tokenizer: Tokenizer): Promise<Record<string, number>> {
    const numbers: Record<string, number> = {};
    if (this.domains.length === 0 && this.selection.tasks.length === 0) return numbers;
    const endToken = tokenizer.idOf(DOCUMENT_SEPARATOR) ?? 0;
    const model = createScorerModel(createDecoderScorer(decoder), plainText(tokenizer), {
      identity: { name: 'study', modelHash: '', tokenizerHash: '', device: `${decoder.device}` },
      prefixToken: endToken,
      endToken,
      maxTokens: this.measures.batchTokens,
      lengthMultiple: LENGTH_MULTIPLE,
      longContext: 'truncate',
      reusePrefixes: false,
    });
    if (this.domains.length > 0) {
      const { domains } = await evaluatePerplexity(model, this.domains);
      for (const { domain, bitsPerByte } of domains)
        if (bitsPerByte !== null) numbers[`perplexity/${domain}`] = bitsPerByte;
    }
    const options = { model, selection: this.selection, rows: this.rows, limit: this.measures.taskLimit, shots: 0 };
    const { results } = await runEvaluation(options);
    const failed = results.incomplete.find(({ kind }) => kind === 'failed');
    if (failed) throw new DataError(`study: ${failed.task} could not be measured: ${failed.message}`);
    for (const [task, row] of Object.entries(results.results)) {
      const value = row['bits_per_byte,none'];
      if (typeof value === 'number') numbers[`task/${task}`] = value;
    }
    return numbers;
  }
}

/** Attention statistics over rows spread evenly over all held-out text; null without as much text as one row, or for soft-capped or gated attention. */
export async function measureAttention(
  decoder: Decoder,
  heldOut: readonly HeldOutText[],
  T: number,
): Promise<AttentionByLayer | null> {
  const rows = heldOut.flatMap(({ tokens }) =>
    Array.from({ length: Math.floor(tokens.length / T) }, (_, i) => tokens.subarray(i * T, (i + 1) * T)),
  );
  const count = Math.min(ATTENTION_ROWS, rows.length);
  if (count === 0 || !hasAttentionMaps(decoder.config)) return null;
  const chosen = Array.from({ length: count }, (_, i) => rows[Math.floor((i * rows.length) / count)]);
  const all: AttentionByLayer[] = [];
  for (const row of chosen) all.push(await attentionByLayer(decoder, row));
  const mean = (name: keyof AttentionByLayer): number[] =>
    all[0][name].map((_, layer) => all.reduce((sum, one) => sum + one[name][layer], 0) / count);
  return { depthMass: mean('depthMass'), depthEntropy: mean('depthEntropy'), sinkMass: mean('sinkMass') };
}

/** Every file of a folder is a domain; documents are taken in order until there are `bytes` of text, the last one cut. */
async function readDomains(folder: string, bytes: number): Promise<PerplexityDomain[]> {
  const files = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    throw new ConfigError(`study: measure.perplexity must be a folder, got ${folder} (${error.code}). Check the path.`);
  });
  files.sort();
  const names = sourceNames(files);
  const domains: PerplexityDomain[] = [];
  for (const [i, file] of files.entries()) {
    const documents: { text: string }[] = [];
    let left = bytes;
    for (const text of await readDocuments(join(folder, file), 'fail')) {
      if (left <= 0) break;
      const part = firstBytes(text, left);
      left -= Buffer.byteLength(part);
      if (part !== '') documents.push({ text: part });
      if (part.length < text.length) break;
    }
    domains.push({ name: names[i], documents });
  }
  return domains;
}

/** The longest start of a text of at most so many UTF-8 bytes. */
function firstBytes(text: string, bytes: number): string {
  const encoded = Buffer.from(text);
  if (encoded.length <= bytes) return text;
  let end = bytes;
  while (end > 0 && (encoded[end] & 0xc0) === 0x80) end--;
  return encoded.toString('utf8', 0, end);
}
