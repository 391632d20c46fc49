import { backward, type Device, init, noGrad, type Tensor, tensor, tidy } from '@modajs/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDecoder, type Decoder, DecoderCache, type DecoderConfig } from '../src/index.ts';
import { smallConfigs } from './small-configs.ts';

const B = 2;
const T = 7;

function ids(length: number, offset = 0, rows = B): Tensor {
  const values = new Int32Array(rows * length).map((_, i) => (i * 7 + 3 * Math.floor(i / length) + offset) % 19);
  return tensor(values, { shape: [rows, length] });
}

/** Moves every parameter off its initial value, so that zeros and ones hide nothing. */
async function shake(model: Decoder): Promise<void> {
  for (const [n, parameter] of Object.values(model.parameters()).entries()) {
    const values = Float64Array.from(await parameter.data(), (x, i) => x + 0.2 * Math.sin(3 * i + n));
    parameter.device.backend.upload(parameter.storage.raw, parameter.offset, values);
  }
}

async function modelOf(config: DecoderConfig): Promise<Decoder> {
  const model = createDecoder(config, { seed: 5 });
  await shake(model);
  return model;
}

describe('decoder [reference]', () => {
  let device: Device;
  beforeAll(async () => {
    device = await init({ device: 'reference' });
  });
  afterAll(() => device.destroy());

  for (const [name, config] of Object.entries(smallConfigs)) {
    it(`has the gradients of central differences: ${name}`, async () => {
      using model = await modelOf(config);
      const [x, y] = [ids(T), ids(T, 1)];
      const loss = model.loss(x, y);
      backward(loss);
      const lossValue = (): Promise<number> => tidy(() => noGrad(() => model.loss(x, y))).item();
      for (const [parameterName, parameter] of Object.entries(model.parameters())) {
        // Two elements of each parameter: the last and one in the middle.
        expect(parameter.grad, parameterName).not.toBeNull();
        const gradient = await parameter.grad!.data();
        const values = Float64Array.from(await parameter.data());
        for (const i of new Set([Math.floor(values.length / 2), values.length - 1])) {
          const at = async (delta: number): Promise<number> => {
            const moved = values.slice();
            moved[i] += delta;
            device.backend.upload(parameter.storage.raw, parameter.offset, moved);
            return lossValue();
          };
          const step = 1e-5;
          const slope = ((await at(step)) - (await at(-step))) / (2 * step);
          await at(0);
          expect(Math.abs(slope - gradient[i]), `${parameterName}[${i}]`).toBeLessThan(1e-6);
        }
      }
    });

    it(`decodes as one full forward, token by token and in chunks of 1, 3 and 7: ${name}`, async () => {
      using model = await modelOf(config);
      const length = 8;
      const x = ids(length);
      const full = await noGrad(() => model.forward(x)).data();
      const host = await x.data();
      const width = config.dModel;
      for (const size of [1, 3, 7]) {
        using cache = new DecoderCache(config, { B, capacity: length });
        for (let start = 0; start < length; start += size) {
          const end = Math.min(length, start + size);
          const rows = Array.from({ length: B }, (_, b) => [...host.slice(b * length + start, b * length + end)]);
          const part = await noGrad(() => model.forward(tensor(rows, { dtype: 'i32' }), { cache })).data();
          part.forEach((value, i) => {
            const [b, rest] = [Math.floor(i / ((end - start) * width)), i % ((end - start) * width)];
            expect(Math.abs(value - full[(b * length + start) * width + rest])).toBeLessThan(1e-9);
          });
        }
      }
    });
  }

  for (const name of ['residual', 'moda', 'moda, reader norm', 'moda-chunk-visible, C=3']) {
    it(`gives the same loss and gradients with checkpointing: ${name}`, async () => {
      using model = await modelOf(smallConfigs[name]);
      const [x, y] = [ids(T), ids(T, 1)];
      const run = async (checkpoint: boolean): Promise<[number, Float64Array[]]> => {
        const loss = model.loss(x, y, { checkpoint });
        backward(loss);
        const gradients: Float64Array[] = [];
        for (const parameter of Object.values(model.parameters())) {
          expect(parameter.grad).not.toBeNull();
          gradients.push(Float64Array.from(await parameter.grad!.data()));
          parameter.grad!.dispose();
          parameter.grad = null;
        }
        return [await loss.item(), gradients];
      };
      const [plainLoss, plain] = await run(false);
      const [loss, gradients] = await run(true);
      expect(loss).toBe(plainLoss);
      gradients.forEach((gradient, n) => {
        gradient.forEach((value, i) => {
          expect(Math.abs(value - plain[n][i])).toBeLessThan(1e-12);
        });
      });
    });
  }

  it('computes in f16 from f32 parameters, in one chunk of logits or many, with f32 gradients', async () => {
    const config = smallConfigs['moda'];
    const [x, y] = [ids(T), ids(T, 1)];
    const run = async (computeDtype: 'f32' | 'f16', chunk?: number): Promise<[number, Float64Array]> => {
      using model = createDecoder(config, { seed: 5, computeDtype });
      const loss = model.loss(x, y, { chunk });
      backward(loss);
      const { grad } = model.parameters()['model.embed_tokens.weight'];
      expect(grad!.dtype).toBe('f32');
      return [await loss.item(), Float64Array.from(await grad!.data())];
    };
    const [expected, gradient] = await run('f32');
    for (const chunk of [undefined, 5]) {
      // The reference device keeps f16 exactly, so the two agree to f64's rounding.
      const [loss, half] = await run('f16', chunk);
      expect(Math.abs(loss - expected)).toBeLessThan(1e-12);
      half.forEach((value, i) => {
        expect(Math.abs(value - gradient[i])).toBeLessThan(1e-12);
      });
    }
  });

  it('keeps no depth cache: MoDA decodes with the bytes of its baseline', () => {
    const options = { B: 1, capacity: 16 };
    using moda = new DecoderCache(smallConfigs['moda'], options);
    using plain = new DecoderCache(smallConfigs['residual'], options);
    expect(moda.sizeBytes).toBe(plain.sizeBytes);
  });

  it('packed documents equal the documents alone, wherever they start', async () => {
    const { documentRanges } = await import('@modajs/moda');
    // No start but the first is a multiple of C = 3.
    const starts = [0, 4, 5, 11, 13];
    for (const name of ['moda', 'moda-chunk-visible, C=3']) {
      using model = await modelOf(smallConfigs[name]);
      const row = [...(await ids(13, 0, 1).data())];
      const from = (t: number): number => starts.filter((start) => start <= t).at(-1)!;
      const positions = tensor([row.map((_, t) => t - from(t))], { dtype: 'i32' });
      const docRange = documentRanges([starts]);
      const packed = await noGrad(() => model.forward(tensor([row], { dtype: 'i32' }), { positions, docRange })).data();
      for (const [n, start] of starts.slice(0, -1).entries()) {
        const document = row.slice(start, starts[n + 1]);
        const alone = await noGrad(() => model.forward(tensor([document], { dtype: 'i32' }))).data();
        alone.forEach((value, i) => {
          const own = packed[start * smallConfigs[name].dModel + i];
          expect(Math.abs(value - own), `${name}, start ${start}`).toBeLessThan(1e-9);
        });
      }
    }
  });
});
