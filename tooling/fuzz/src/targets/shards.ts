import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { trainBpe } from '@modajs/tokenizer';
import { encodeFilesToShards, openShards, readShardDocuments } from '@modajs/tokenizer/node';
import type { FuzzTarget } from '../fuzz-target.ts';
import { mutateBytes } from '../mutate-bytes.ts';
import { mutateJsonBytes } from '../mutate-json.ts';

let whole: Uint8Array | undefined;
const folder = mkdtempSync(join(tmpdir(), 'fuzz-shards-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const manifest = join(folder, 'shards', 'manifest.json');

/** A folder of three shards from two sources. */
async function made(): Promise<Uint8Array> {
  if (whole) return whole;
  const inputs = ['a', 'b'].map((name) => join(folder, `${name}.jsonl`));
  const line = (i: number): string => JSON.stringify({ text: `the cat ${i} sat on the mat` });
  for (const path of inputs) writeFileSync(path, Array.from({ length: 7 }, (_, i) => line(i)).join('\n'));
  const tokenizer = trainBpe(['the cat sat on the mat'], { vocabSize: 270, specialTokens: ['<eos>'] });
  const outDir = join(folder, 'shards');
  await encodeFilesToShards({ inputs, outDir, tokenizer, endOfText: '<eos>', shardTokens: 70, threads: 0 });
  whole = new Uint8Array(readFileSync(manifest));
  return whole;
}

/** A changed manifest is refused: its checksum is over every byte. */
export const target: FuzzTarget = {
  name: 'shards',
  seeds: async () => [await made()],
  mutate: (bytes, random) => (random.chance(0.5) ? mutateJsonBytes(bytes, random) : mutateBytes(bytes, random)),
  async run(bytes) {
    const expected = await made();
    writeFileSync(manifest, bytes);
    const found = await openShards(join(folder, 'shards'));
    if (Buffer.compare(bytes, expected) !== 0) throw new Error('a changed manifest is taken for a whole one');
    const documents = await readShardDocuments(join(folder, 'shards'), found);
    if (documents.map(({ tokens }) => tokens.length).join() !== '7,7') throw new Error('documents are missing');
  },
};
