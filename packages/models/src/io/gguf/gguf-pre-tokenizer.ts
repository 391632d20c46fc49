import { CheckpointError } from '@modajs/tensor';

/** A component of a `tokenizer.json`. */
export interface TokenizerPart {
  readonly type?: unknown;
  readonly [field: string]: unknown;
}

const words = (digits: string) =>
  `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|${digits}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`;
const CL100K = words('\\p{N}{1,3}');
const QWEN2 = words('\\p{N}');
const GPT2 = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

/**
 * llama.cpp's name of the way in which a byte-level pre-tokenizer cuts words: `gpt-2`, `smollm` (digits one by one, then gpt-2),
 * `qwen2`, `dbrx` (cl100k, OLMo 2) or `llama-bpe` (cl100k whose words are looked up before they are merged).
 *
 * @param ignoresMerges the model's `ignore_merges`
 * @throws CheckpointError a pre-tokenizer that llama.cpp has no name for, or that is not byte-level
 * Reference: llama.cpp, `llama-vocab.cpp`.
 */
export function preTokenizerName(part: TokenizerPart, ignoresMerges: boolean): string {
  const steps = flatten(part);
  const last = steps.at(-1);
  const pattern = last?.type === 'ByteLevel' && last['add_prefix_space'] === false ? patternOf(steps, last) : undefined;
  const name =
    pattern === CL100K ? (ignoresMerges ? 'llama-bpe' : 'dbrx') : ignoresMerges ? undefined : NAMES.get(pattern ?? '');
  if (name !== undefined) return name;
  throw new CheckpointError(
    `gguf: pre_tokenizer must cut words as gpt-2, smollm, qwen2 or cl100k do, got ${JSON.stringify(part).slice(0, 200)}${ignoresMerges ? ' with ignore_merges' : ''}. Pass llama.cpp's name as pre if it has one for it, or export safetensors.`,
  );
}

const DIGITS_GPT2 = `digits ${GPT2}`;
const NAMES: ReadonlyMap<string, string> = new Map([
  [GPT2, 'gpt-2'],
  [QWEN2, 'qwen2'],
  [DIGITS_GPT2, 'smollm'],
]);

const flatten = (part: TokenizerPart): TokenizerPart[] =>
  part.type === 'Sequence' ? (part['pretokenizers'] as TokenizerPart[]).flatMap(flatten) : [part];

/** The pattern of the words that reach a final ByteLevel; undefined for any other way to cut. */
function patternOf(steps: readonly TokenizerPart[], byteLevel: TokenizerPart): string | undefined {
  const [first] = steps as [TokenizerPart];
  const usesOwn = byteLevel['use_regex'] !== false;
  if (steps.length === 1) return usesOwn ? GPT2 : undefined;
  if (steps.length !== 2) return undefined;
  if (first.type === 'Digits') return usesOwn && first['individual_digits'] === true ? DIGITS_GPT2 : undefined;
  const keepsMatches =
    (first['behavior'] === 'Isolated' && first['invert'] !== true) ||
    (first['behavior'] === 'Removed' && first['invert'] === true);
  if (first.type !== 'Split' || usesOwn || !keepsMatches) return undefined;
  const source = (first['pattern'] as { readonly Regex?: unknown } | undefined)?.Regex;
  return typeof source === 'string' ? source : undefined;
}
