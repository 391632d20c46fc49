import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Device, fromHalf, init } from '@modajs/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type ByteSource,
  blobSource,
  bytesSource,
  createDecoder,
  type DecoderConfigInput,
  defineDecoderConfig,
  type GgufModel,
  hostParameters,
  openGguf,
  openUrlSource,
} from '../../src/index.ts';
import { ggmlTypes } from '../../src/io/gguf/ggml-types.ts';
import { readGgufTensor } from '../../src/io/gguf/read-gguf-tensor.ts';
import { rotaryRows } from '../../src/io/rows.ts';
import { openFileSource } from '../../src/node/index.ts';
import { smallFamilies } from '../families.ts';
import { ggufModels, largeParameters, smallGguf } from './small-gguf.ts';

async function valuesOf({ parameters }: GgufModel): Promise<Record<string, ArrayLike<number>>> {
  const values: Record<string, ArrayLike<number>> = {};
  for (const [name, parameter] of parameters) values[name] = (await parameter.read()).data;
  return values;
}

const asValues = (parameters: Awaited<ReturnType<typeof largeParameters>>) =>
  Object.fromEntries([...parameters].map(([name, { data }]) => [name, data]));

describe('openGguf', () => {
  let device: Device;
  const folder = mkdtempSync(join(tmpdir(), 'moda-gguf-'));
  beforeAll(async () => {
    device = await init({ device: 'cpu' });
  });
  afterAll(() => {
    device.destroy();
    rmSync(folder, { recursive: true });
  });

  it.each(Object.entries(ggufModels))(
    'gives the configuration and every number of a written %s',
    async (name, config) => {
      const opened = await openGguf(bytesSource(await smallGguf(config)));
      expect(opened.metadata.get('general.architecture')).toBe(name);
      // Learned positions: nothing turns.
      expect({ ...opened.config, ...(name === 'gpt2' ? { ropeTheta: config.ropeTheta } : {}) }).toEqual(config);
      expect(await valuesOf(opened)).toEqual(asValues(await largeParameters(config)));
    },
  );

  it.each([
    ['a window of all layers', 'llama', { window: 5, localLayers: [0, 1] }, 'must be a baseline of'],
    [
      'local layers that llama.cpp does not have',
      'gemma3',
      { localLayers: [1] },
      'localLayers must be [0, 1, 2, 3, 4], got [1]',
    ],
    ['layers without RoPE elsewhere', 'smollm3', { nopeLayers: [0] }, 'nopeLayers must be [3], got [0]'],
    ['a GELU that it does not say', 'gptneox', { activation: 'gelu' }, 'activation must be "gelu-erf", got "gelu"'],
    [
      'scaling of RoPE',
      'qwen2',
      { ropeScaling: { kind: 'dynamic', factor: 2, trainedLength: 64 } },
      'ropeScaling must be',
    ],
    ['no cap of logits', 'gemma2', { logitSoftcap: null }, 'final_logit_softcapping must be a number > 0'],
  ] as const)('refuses to write %s', async (_, name, fields, message) => {
    const config = defineDecoderConfig({ ...ggufModels[name], ...fields } as DecoderConfigInput);
    await expect(smallGguf(config)).rejects.toThrow(message);
  });

  it("gives a written model of interleaved RoPE in Hugging Face's order of rows", async () => {
    const config = defineDecoderConfig({ ...smallFamilies.llama, ropeInterleaved: true });
    const opened = await openGguf(bytesSource(await smallGguf(config)));
    expect(opened.config).toEqual(smallFamilies.llama);
    const name = 'model.layers.1.self_attn.k_proj.weight';
    const written = (await largeParameters(config)).get(name)!;
    expect((await valuesOf(opened))[name]).toEqual(rotaryRows(written, config.headDim, false).data);
  });

  it('reads F16 and Q8_0 to within their rounding, and fills a decoder one tensor at a time', async () => {
    const config = defineDecoderConfig({ ...smallFamilies.llama, nHeads: 8, dFf: 64 });
    const exact = asValues(await largeParameters(config));
    for (const [storage, bound] of [
      ['F16', 2 ** -11],
      ['Q8_0', 0.5 / 127 + 2 ** -11],
    ] as const) {
      const opened = await openGguf(bytesSource(await smallGguf(config, { storage })));
      expect([...opened.storage.keys()]).toEqual([storage, 'F32']);
      using model = createDecoder(opened.config);
      await model.readParameters(opened.parameters);
      for (const [name, { data }] of await hostParameters(model)) {
        const most = Math.max(...Array.from(exact[name], Math.abs));
        Array.from(data, (x, i) => expect(Math.abs(x - exact[name][i])).toBeLessThanOrEqual(bound * most));
      }
    }
  });

  it('ties the output matrix where the file has the embedding a second time', async () => {
    const { config, parameters } = await openGguf(bytesSource(await smallGguf(smallFamilies.olmo2)));
    expect(config.tieEmbeddings).toBe(true);
    expect(parameters.has('lm_head.weight')).toBe(false);
  });

  it('reads a file of version 2, a Blob, a file on disk and a server with ranges alike', async () => {
    const bytes = await smallGguf(smallFamilies.llama);
    const expected = await valuesOf(await openGguf(bytesSource(bytes)));
    const second = bytes.slice();
    second[4] = 2;
    const path = join(folder, 'model.gguf');
    writeFileSync(path, bytes);
    const file = await openFileSource(path);
    const sources: ByteSource[] = [
      bytesSource(second),
      blobSource(new Blob([new Uint8Array(bytes)])),
      file,
      await openUrlSource('http://localhost/a/model.gguf?x=1', { fetch: rangeServer(bytes) }),
    ];
    expect(sources.map(({ name }) => name)).toEqual(['gguf', 'gguf', 'model.gguf', 'model.gguf']);
    for (const source of sources) expect(await valuesOf(await openGguf(source))).toEqual(expected);
    await file.close();
  });

  it('reads a large tensor in parts of 2^21 numbers', async () => {
    const sizes: number[] = [];
    const source: ByteSource = {
      ...bytesSource(new Uint8Array()),
      read: async (start, end) => {
        sizes.push(end - start);
        return new Uint8Array(end - start).fill(start === 0 ? 1 : 2);
      },
    };
    const q8 = ggmlTypes.get(8)!;
    const info = { name: 'x', shape: [40, 65_536], type: q8, begin: 0, end: 40 * 2048 * 34 };
    const { data } = await readGgufTensor(source, info);
    expect(sizes).toEqual([(2 ** 21 / 32) * 34, (8 * 65_536 * 34) / 32]);
    expect(data).toHaveLength(40 * 65_536);
    // 0x0101 and 0x0202 as f16 scales.
    expect([data[2 ** 21 - 1], data[2 ** 21]]).toEqual([fromHalf(0x0101), 2 * fromHalf(0x0202)]);
  });

  it.each([
    ['knows no ranges', { status: 200 }, 'must answer bytes 0 to 1 with status 206, got 200. Download the file'],
    ['sends more than was asked for', { extra: 1 }, 'must give as many'],
    ['changes the file', { changes: true }, 'the file must stay as it was'],
    ['breaks off', { missing: 1 }, 'must give as many'],
  ])('refuses a server that %s', async (_, fault, message) => {
    const bytes = await smallGguf(smallFamilies.llama);
    const opened = openUrlSource('http://localhost/model.gguf', { fetch: rangeServer(bytes, fault) }).then(openGguf);
    await expect(opened).rejects.toThrow(message);
  });

  it('says which file could not be opened', async () => {
    await expect(openFileSource(join(folder, 'none.gguf'))).rejects.toThrow(
      'none.gguf: the file must be readable, got ENOENT',
    );
    await expect(openFileSource(folder)).rejects.toThrow('it must be a file, got something else');
  });
});

interface Fault {
  readonly status?: number;
  readonly extra?: number;
  readonly missing?: number;
  readonly changes?: boolean;
}

/** A server with one file. */
function rangeServer(bytes: Uint8Array, { status = 206, extra = 0, missing = 0, changes }: Fault = {}): typeof fetch {
  let requests = 0;
  return async (_, options) => {
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(new Headers(options!.headers).get('range')!)!;
    const [start, end] = [Number(from), Number(to) + 1];
    const body = bytes.slice(start, end - missing);
    const headers = {
      'content-range': `bytes ${start}-${end - 1}/${bytes.length}`,
      etag: changes ? `"${requests++}"` : '"same"',
    };
    return new Response(Buffer.concat([body, new Uint8Array(extra)]), { status, headers });
  };
}
