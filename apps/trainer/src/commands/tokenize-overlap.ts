import { writeFile } from 'node:fs/promises';
import { createOverlapScanner, formatTable, type OverlapReport, overlapWords } from '@modajs/eval';
import { ConfigError } from '@modajs/tensor';
import type { OnInvalid } from '@modajs/tokenizer/node';
import type { RunConfig, TextSplit } from '@modajs/train';
import { splitSource } from '@modajs/train';
import { readDocuments } from '../run/read-documents.ts';
import { sourceNames } from '../run/source-names.ts';
import { isTokenData } from '../run/token-paths.ts';

/** Options of `moda tokenize overlap`. */
export interface OverlapOptions {
  readonly heldOut: number;
  readonly heldOutBy: RunConfig['data']['heldOutBy'];
  readonly ngram: number;
  readonly onInvalid: OnInvalid;
  readonly output?: string;
}

/** A document that shares at least so much with training text is held out in name only. */
const MOSTLY = 0.5;

/**
 * `moda tokenize overlap`: how much of what a run would hold out of each source stands in the text that it would train on, of
 * any source, in n-grams of words.
 *
 * @throws ConfigError for token shards: give the text that they were made from
 */
export async function reportOverlap(inputs: readonly string[], options: OverlapOptions): Promise<void> {
  const names = sourceNames(inputs);
  const scanners = inputs.map(() => createOverlapScanner(options.ngram));
  for (const [i, input] of inputs.entries()) {
    const { heldOut } = await splitOf(input, options);
    for (const [document, text] of heldOut.entries()) scanners[i].add(`${names[i]} ${document}`, overlapWords(text));
  }
  for (const input of inputs) {
    for (const text of (await splitOf(input, options)).train) {
      const words = overlapWords(text);
      for (const scanner of scanners) scanner.scan(words);
    }
  }
  const reports = scanners.map((scanner) => scanner.report());
  if (options.output !== undefined) {
    const byName = Object.fromEntries(reports.map((report, i) => [names[i], report]));
    await writeFile(options.output, `${JSON.stringify(byName, null, 2)}\n`);
  }
  const head = [
    'held out of',
    'documents',
    'overlapping',
    `${100 * MOSTLY} % and more`,
    `${options.ngram}-grams found`,
  ];
  console.log(
    formatTable(
      head,
      reports.map((report, i) => [names[i], ...cells(report)]),
    ),
  );
}

async function splitOf(input: string, { onInvalid, ...split }: OverlapOptions): Promise<TextSplit> {
  if (await isTokenData(input)) {
    throw new ConfigError(
      `tokenize overlap: ${input} must be text, it is token shards. Give what they were made from.`,
    );
  }
  return splitSource(await readDocuments(input, onInvalid), split);
}

function cells({ documents, contaminated, overlaps, ngramShare }: OverlapReport): string[] {
  const mostly = overlaps.filter(({ found, ngrams }) => found >= MOSTLY * ngrams).length;
  return [String(documents), String(contaminated), String(mostly), `${(ngramShare * 100).toFixed(3)} %`];
}
