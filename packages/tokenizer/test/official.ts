import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import type { RandomText } from '@modajs/vitest/random-text';
import tokenizers from 'tokenizers';
import type { TokenizerJson } from '../src/config/tokenizer-json.ts';
import type { Tokenizer } from '../src/tokenizer.ts';

/** The official Rust library, as its npm package binds it. */
export const { Tokenizer: OfficialTokenizer } = tokenizers;
export type OfficialTokenizer = InstanceType<typeof OfficialTokenizer>;

const SHARED = fileURLToPath(new URL('../../../../shared/data/', import.meta.url));

/** Whether the shared material is there; the product must not need it. */
export const hasSharedData = existsSync(SHARED);

/** A file of the shared material. */
export const sharedBytes = (path: string): Uint8Array => readFileSync(SHARED + path);
export const sharedText = (path: string): string => gunzipSync(sharedBytes(path)).toString();
export const sharedTokenizer = (name: 'dolma2' | 'gpt2'): string => sharedText(`tokenizers/${name}-tokenizer.json.gz`);
export const sharedDocuments = (path: string): string[] =>
  sharedText(path)
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { text: string }).text);

const knownRules = new WeakMap<Tokenizer, { truncate: boolean; pad: boolean }>();

/** The official library truncates and pads as the file says; ours when asked. */
function rulesOf(ours: Tokenizer): { truncate: boolean; pad: boolean } {
  const known = knownRules.get(ours);
  if (known) return known;
  const { truncation, padding } = JSON.parse(ours.toJson()) as TokenizerJson;
  const rules = { truncate: Boolean(truncation), pad: Boolean(padding) };
  knownRules.set(ours, rules);
  return rules;
}

/**
 * The first difference between this package and the official library on a text, in ids, offsets, the decoded text or the
 * streamed text; undefined when there is none.
 */
export async function difference(
  ours: Tokenizer,
  official: OfficialTokenizer,
  text: string,
  comparesOffsets = true,
): Promise<string | undefined> {
  const rules = rulesOf(ours);
  const encoding = await official.encode(text);
  const ids = encoding.getIds();
  const offsets = encoding.getOffsets();
  const mine = ours.encode(text, rules);
  const tracked = ours.encodeWithOffsets(text, { unit: 'codePoint', ...rules });
  const at = `in ${JSON.stringify(text.slice(0, 200))}`;
  for (let i = 0; i < Math.max(ids.length, mine.length, tracked.ids.length); i++) {
    if (ids[i] !== mine[i] || ids[i] !== tracked.ids[i])
      return `token ${i}: ${ids[i]} became ${mine[i]}, ${tracked.ids[i]} ${at}`;
    const [start, end] = offsets[i] as [number, number];
    if (!comparesOffsets) continue;
    if (start !== tracked.starts[i] || end !== tracked.ends[i]) {
      return `offset ${i}: ${start}..${end} became ${tracked.starts[i]}..${tracked.ends[i]} ${at}`;
    }
  }
  const decoded = await official.decode(ids, false);
  if (ours.decode(mine) !== decoded) return `decoded text ${at}`;
  return streamed(ours, mine) === decoded ? undefined : `streamed text ${at}`;
}

/** What a decode stream gives for the ids. */
export function streamed(tokenizer: Tokenizer, ids: Int32Array): string {
  const stream = tokenizer.createDecodeStream();
  let text = '';
  for (const id of ids) text += stream.push(id);
  return text + stream.end();
}

/** Differences on `count` random strings; empty when all agree. */
export async function randomDifferences(
  json: string,
  ours: Tokenizer,
  random: RandomText,
  count: number,
): Promise<string[]> {
  const official = OfficialTokenizer.fromString(json);
  const { added_tokens: added = [] } = JSON.parse(json) as { added_tokens?: { content: string }[] };
  const contents = added.map(({ content }) => content);
  const found: string[] = [];
  for (let i = 0; i < count && found.length < 5; i++) {
    const problem = await difference(ours, official, random.string(12, contents));
    if (problem) found.push(problem);
  }
  return found;
}
