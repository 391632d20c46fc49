import { basename } from 'node:path';
import {
  evaluatePerplexity,
  formatPerplexity,
  type ModelIdentity,
  type PerplexityDocument,
  splitShard,
} from '@modajs/eval';
import { interruptSignal } from '../cli/interrupt-signal.ts';
import { readDocuments } from '../run/read-documents.ts';
import { readTokens, refuseToReplace, writeWhole } from './eval-files.ts';
import { type ModelOptions, type OpenedModel, openModel } from './eval-model.ts';

/** Options of `moda eval perplexity`. */
export interface PerplexityCommandOptions extends ModelOptions {
  readonly window?: number;
  readonly stride?: number;
  readonly dtype?: 'uint16' | 'uint32';
  readonly limit?: number;
  readonly output?: string;
  readonly overwrite?: boolean;
}

const SHARD = /\.(bin|npy)$/;

/** `moda eval perplexity`: one line a file, and their average. */
export async function measurePerplexity(files: readonly string[], options: PerplexityCommandOptions): Promise<void> {
  const opened = await openModel(options);
  const signal = interruptSignal(() => console.error('\nstopping'));
  try {
    if (options.output !== undefined) {
      await refuseToReplace(
        options.output,
        (report) => lostDomains(report, opened, files.map(domainName)),
        options.overwrite,
      );
    }
    const domains = [];
    for (const file of files) {
      domains.push({ name: domainName(file), documents: await documentsOf(file, opened, options) });
    }
    const { window, stride, limit } = options;
    const onProgress = (domain: string, done: number, total: number) =>
      process.stderr.write(`${domain}: ${done} of ${total} documents\n`);
    const decode = (tokens: Int32Array) => opened.tokenizer.decode(tokens);
    const report = await evaluatePerplexity(opened.model, domains, {
      window,
      stride,
      limit,
      decode,
      signal,
      onProgress,
    });
    if (options.output !== undefined)
      await writeWhole(options.output, `${JSON.stringify({ model: opened.model.identity, ...report }, null, 2)}\n`);
    console.log(formatPerplexity(report));
  } finally {
    await opened.close();
  }
}

function domainName(file: string): string {
  return basename(file).replace(/\.(jsonl\.gz|jsonl|txt|md|bin|npy)$/, '');
}

/** What of an earlier report this run would not write again, in words. */
function lostDomains(report: Record<string, unknown>, { model }: OpenedModel, names: readonly string[]): string | null {
  const { model: identity, domains } = report as { model?: Partial<ModelIdentity>; domains?: unknown };
  if (typeof identity?.modelHash !== 'string' || !Array.isArray(domains)) return 'no report of moda eval perplexity';
  if (identity.modelHash !== model.identity.modelHash) return `a report of another model (${identity.name})`;
  const lost = domains.map((entry) => String(entry?.domain)).filter((domain) => !names.includes(domain));
  return lost.length === 0 ? null : `the domains ${lost.join(', ')}, which this run does not measure`;
}

/** Documents of a text file, or of a shard split at the token that stands between documents. */
async function documentsOf(
  file: string,
  opened: OpenedModel,
  { dtype }: PerplexityCommandOptions,
): Promise<PerplexityDocument[]> {
  if (!SHARD.test(file)) return (await readDocuments(file, 'fail')).map((text) => ({ text }));
  const tokens = await readTokens(file, opened.vocabSize, dtype);
  return splitShard(tokens, opened.separator).map((part) => ({ tokens: part }));
}
