import { Tokenizer, trainBpe } from '@modajs/tokenizer';
import { checkTokenizer } from '../check-tokenizer.ts';
import type { FuzzTarget } from '../fuzz-target.ts';
import { mutateBytes } from '../mutate-bytes.ts';
import type { Random } from '../random.ts';

const TEXT = ['the cat sat on the mat; the dog and the cat, naïve 😀 日本語'];

const bytes256 = Array.from({ length: 256 }, (_, byte) => btoa(String.fromCharCode(byte)));

/** The lines of a rank file. */
const ranksOf = (vocabSize: number): string[] => {
  const trained = trainBpe(TEXT, { vocabSize });
  return Array.from(
    { length: trained.vocabSize },
    (_, id) => `${btoa(String.fromCharCode(...trained.bytesOf(id)))} ${id}`,
  );
};

const join = (lines: readonly string[]): Uint8Array => new TextEncoder().encode(lines.join('\n'));

/** Lines that change places, come twice, go, or have another rank. */
function mutateLines(bytes: Uint8Array, random: Random): Uint8Array {
  const lines = new TextDecoder().decode(bytes).split('\n');
  const at = random.int(lines.length);
  const [token = '', rank = ''] = (lines[at] as string).split(' ');
  const changed = random.pick([
    [],
    [`${token} ${rank}`, `${token} ${rank}`],
    [`${token} ${Number(rank) + random.pick([1, 1000, 1 << 24, 2 ** 32])}`],
    [`${token} ${random.pick(['-1', '1e3', '0x10', '4294967296', '9'.repeat(400), ''])}`],
    [`${token}${token} ${rank}`],
    [`${'QUFB'.repeat(random.pick([1, 100, 10_000, 1_000_000]))} ${rank}`],
    [` ${rank}`, rank],
  ]);
  lines.splice(at, 1, ...changed);
  return join(lines);
}

export const target: FuzzTarget = {
  name: 'tiktoken',
  async seeds() {
    const ranks = ranksOf(280);
    return [join(ranks), join([...ranks.slice(0, 270), ...ranks.slice(275)]), join(ranks.slice(0, 5))];
  },
  mutate: (bytes, random) => (random.chance(0.6) ? mutateLines(bytes, random) : mutateBytes(bytes, random)),
  async run(bytes) {
    const text = new TextDecoder().decode(bytes);
    const specialTokens = { '<|endoftext|>': 300, '<|fim|>': 310 };
    const tokenizer = Tokenizer.fromTiktoken(text, { pattern: 'cl100k', specialTokens });
    const tokens = new Set(text.split('\n').map((line) => line.split(' ')[0]));
    checkTokenizer(
      tokenizer,
      bytes256.every((token) => tokens.has(token)),
    );
  },
};
