import { createOverlapScanner, formatTable, loadDocuments, overlapWords, selectTasks } from '@modajs/eval';
import { ConfigError } from '@modajs/tensor';
import { readDocuments } from '../run/read-documents.ts';
import { openRows, readTokens, refuseToReplace, writeWhole } from './eval-files.ts';
import { openTokenizer } from './eval-model.ts';

/** Options of `moda eval decontaminate`. */
export interface DecontaminateOptions {
  readonly tasks: readonly string[];
  readonly style: string;
  readonly ngram: number;
  readonly tokenizer?: string;
  readonly dtype?: 'uint16' | 'uint32';
  readonly data?: string;
  readonly cache?: string;
  readonly output?: string;
  readonly overwrite?: boolean;
}

/** Tokens of a shard that are decoded at a time. */
const PIECE = 65536;

/** `moda eval decontaminate`: which documents of which tasks occur in training data. */
export async function decontaminate(files: readonly string[], options: DecontaminateOptions): Promise<void> {
  const { tasks } = selectTasks(options.tasks, options.style);
  if (options.output !== undefined) {
    const names = new Set(tasks.map(({ name }) => name));
    await refuseToReplace(options.output, (report) => lostTasks(report, names), options.overwrite);
  }
  const rows = openRows(options);
  const scanners = new Map(tasks.map((task) => [task.name, createOverlapScanner(options.ngram)]));
  for (const task of tasks) {
    const { documents } = await loadDocuments(task, rows, { shots: 0 });
    for (const { nativeId, contexts, continuations, gold } of documents) {
      scanners.get(task.name)!.add(String(nativeId), overlapWords(contexts[gold] + continuations[gold]));
    }
  }
  for (const file of files) {
    for await (const text of trainingTexts(file, options)) {
      const words = overlapWords(text);
      for (const scanner of scanners.values()) scanner.scan(words);
    }
  }
  const reports = Object.fromEntries([...scanners].map(([name, scanner]) => [name, scanner.report()]));
  if (options.output !== undefined) await writeWhole(options.output, `${JSON.stringify(reports, null, 2)}\n`);
  const lines = Object.entries(reports).map(([name, report]) => [
    name,
    String(report.documents),
    String(report.contaminated),
    String(report.tooShort),
    `${(report.ngramShare * 100).toFixed(3)} %`,
  ]);
  console.log(formatTable(['task', 'documents', 'contaminated', 'too short', `${options.ngram}-grams found`], lines));
}

/** What of an earlier report this run would not write again, in words. */
function lostTasks(report: Record<string, unknown>, names: ReadonlySet<string>): string | null {
  const isReport = Object.values(report).every(
    (entry) => typeof (entry as { ngramShare?: unknown })?.ngramShare === 'number',
  );
  if (!isReport) return 'no report of moda eval decontaminate';
  const lost = Object.keys(report).filter((task) => !names.has(task));
  return lost.length === 0 ? null : `a report on ${lost.join(', ')}, which this run does not repeat`;
}

async function* trainingTexts(file: string, { tokenizer, dtype }: DecontaminateOptions): AsyncGenerator<string> {
  if (!/\.(bin|npy)$/.test(file)) return yield* await readDocuments(file, 'replace');
  if (tokenizer === undefined)
    throw new ConfigError(
      `decontaminate: ${file} is a token shard, so --tokenizer must name its tokenizer.json, got none.`,
    );
  const { decode, vocabSize } = await openTokenizer(tokenizer);
  const tokens = await readTokens(file, vocabSize, dtype);
  // Pieces overlap by more tokens than an n-gram has, so that none is lost at a border.
  for (let at = 0; at < tokens.length; at += PIECE) yield decode(tokens.subarray(at, at + PIECE + 256));
}
