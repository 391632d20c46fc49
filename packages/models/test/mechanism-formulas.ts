import { backward, Device, type DeviceName, init, type Tensor, tensor, tidy } from '@modajs/tensor';
import { createReferenceBackend } from '@modajs/tensor/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDecoder, type Decoder, type DecoderConfig, depthMechanisms } from '../src/index.ts';
import { distance } from './distance.ts';
import { plainDecoder } from './plain-decoder.ts';
import { shakeParameters } from './shake-parameters.ts';
import { smallConfigs } from './small-configs.ts';

const ids = [
  [3, 7, 1, 18, 5, 5, 11],
  [0, 9, 13, 2, 17, 4, 6],
];
const targets = ids.map((row) => row.map((id) => (3 * id + 1) % 19));

/** Every mechanism with a formula of its own, at weights that are no identity. */
export const formulaConfigs: Readonly<Record<string, DecoderConfig>> = Object.fromEntries(
  [...depthMechanisms, 'moda-chunk-visible, C=3', 'moda, gated', 'moda, capped logits'].map((title) => [
    title,
    smallConfigs[title],
  ]),
);

async function valuesOf(model: Decoder): Promise<Map<string, Float64Array>> {
  const values = new Map<string, Float64Array>();
  for (const [name, parameter] of Object.entries(model.parameters())) {
    values.set(name, Float64Array.from(await parameter.data()));
  }
  return values;
}

/** Mean cross-entropy by the plain formulas. */
function plainLoss(config: DecoderConfig, parameters: Map<string, Float64Array>): number {
  const table = parameters.get('model.embed_tokens.weight')!;
  const { dModel, vocabSize } = config;
  const losses = ids.flatMap((row, b) =>
    plainDecoder(config, parameters, row).map((hidden, t) => {
      const logits = Array.from({ length: vocabSize }, (_, v) =>
        hidden.reduce((sum, x, c) => sum + x * table[v * dModel + c], 0),
      );
      const most = Math.max(...logits);
      const sum = logits.reduce((total, x) => total + Math.exp(x - most), 0);
      return most + Math.log(sum) - logits[targets[b][t]];
    }),
  );
  return losses.reduce((a, b) => a + b, 0) / losses.length;
}

/** Hidden states and gradients of every mechanism on a device against its formula in plain f64 numbers. */
export function defineFormulasOn(
  name: DeviceName | 'reference',
  { tolerance, slope }: { readonly tolerance: number; readonly slope: number },
): void {
  describe(`depth mechanisms [${name}]`, () => {
    let device: Device;
    beforeAll(async () => {
      device = name === 'reference' ? new Device(createReferenceBackend()) : await init({ device: name });
    });
    afterAll(() => device.destroy());

    for (const [title, config] of Object.entries(formulaConfigs)) {
      it(`equal their formula, forward and gradients: ${title}`, { timeout: 400_000 }, async () => {
        using model = createDecoder(config, { seed: 5, device });
        await shakeParameters(model);
        const values = await valuesOf(model);
        const place = { dtype: 'i32', device } as const;
        const hidden = tidy((): Tensor => model.forward(tensor(ids, place)).detach());
        const expected = ids.flatMap((row) => plainDecoder(config, values, row).flat());
        expect(distance(await hidden.data(), expected)).toBeLessThan(tolerance);
        hidden.dispose();

        const loss = tidy(() => {
          const found = model.loss(tensor(ids, place), tensor(targets, place));
          backward(found);
          return found.detach();
        });
        expect(Math.abs((await loss.item()) - plainLoss(config, values))).toBeLessThan(tolerance);
        loss.dispose();
        for (const [parameterName, parameter] of Object.entries(model.parameters())) {
          expect(parameter.grad, parameterName).not.toBeNull();
          const gradient = await parameter.grad!.data();
          const own = values.get(parameterName)!;
          const i = Math.floor((own.length * 5) / 7);
          const before = own[i];
          const at = (delta: number): number => {
            own[i] = before + delta;
            return plainLoss(config, values);
          };
          const step = 1e-5;
          const expectedSlope = (at(step) - at(-step)) / (2 * step);
          own[i] = before;
          const largest = Array.from(gradient).reduce((most, x) => Math.max(most, Math.abs(x)), 1);
          expect(Math.abs(gradient[i] - expectedSlope) / largest, `${parameterName}[${i}]`).toBeLessThan(slope);
        }
      });
    }

    it('start as the residual network: mudd, dense, denseformer, gated moda', async () => {
      const hiddenOf = async (config: DecoderConfig): Promise<number[]> => {
        using model = createDecoder(config, { seed: 5, device });
        const source = createDecoder(smallConfigs['residual'], { seed: 5, device });
        const shared = await valuesOf(source);
        source.dispose();
        for (const [parameterName, parameter] of Object.entries(model.parameters())) {
          const values = shared.get(parameterName);
          if (!values) continue;
          const same = tensor(Float32Array.from(values), { shape: parameter.shape, device });
          device.backend.copy(same.view, parameter.view);
          same.dispose();
        }
        const hidden = tidy((): Tensor => model.forward(tensor(ids, { dtype: 'i32', device })).detach());
        const found = Array.from(await hidden.data());
        hidden.dispose();
        return found;
      };
      const plain = await hiddenOf(smallConfigs['residual']);
      for (const title of ['mudd', 'dense', 'denseformer', 'moda, gated', 'moda, gated, best 2 slots, reader norm']) {
        expect(distance(await hiddenOf(smallConfigs[title]), plain), title).toBeLessThan(1e-5);
      }
    });
  });
}
