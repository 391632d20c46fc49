import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { streamDocuments } from '@modajs/tokenizer/node';
import type { FuzzTarget } from '../fuzz-target.ts';
import { mutateBytes } from '../mutate-bytes.ts';

const folder = mkdtempSync(join(tmpdir(), 'fuzz-text-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

/** The kind of a file is the first byte of a case. */
const KINDS = ['txt', 'jsonl', 'txt.gz', 'jsonl.gz', 'txt.zst', 'jsonl.zst'];
const texts = ['The whale — swam 7 miles.\n', 'one two three', '日本語 😀'];
const lines = texts.map((text) => JSON.stringify({ text })).join('\n');
/** `texts` joined, without a checksum, and `lines`, with one, from the `zstd` command: Node 20 cannot write it. */
const zstd = [
  'KLUv/QBYuQEAVGhlIHdoYWxlIOKAlCBzd2FtIDcgbWlsZXMuCm9uZSB0d28gdGhyZWXml6XmnKzoqp4g8J+YgA==',
  'KLUv/QRYhQIAZAR7InRleHQiOiJUaGUgd2hhbGUg4oCUIHN3YW0gNyBtaWxlcy5cbiJ9Cm9uZSB0d28gdGhyZWXml6XmnKzoqp4g8J+YgCJ9AgA8+Q8rVBlRITSM',
].map((base64) => Buffer.from(base64, 'base64'));

export const target: FuzzTarget = {
  name: 'training-text',
  async seeds() {
    return [texts.join(''), lines, gzipSync(texts.join('')), gzipSync(lines), ...zstd].map((content, kind) =>
      Uint8Array.of(kind, ...Buffer.from(content as string)),
    );
  },
  mutate: (bytes, random) => Uint8Array.of(bytes[0], ...mutateBytes(bytes.subarray(1), random)),
  async run(bytes) {
    const path = join(folder, `input.${KINDS[bytes[0] % KINDS.length]}`);
    writeFileSync(path, bytes.subarray(1));
    for (const onInvalid of ['replace', 'fail'] as const) {
      for await (const { text } of streamDocuments(path, { onInvalid })) {
        if (typeof text !== 'string' || /\ufeff/.test(text.slice(0, 1)))
          throw new Error('no text, or its mark was kept');
      }
    }
  },
};
