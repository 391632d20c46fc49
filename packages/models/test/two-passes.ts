import { add, backward, Device, type DeviceName, init, noGrad, type Tensor, tensor, tidy } from '@modajs/tensor';
import { createReferenceBackend } from '@modajs/tensor/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDecoder, type Decoder, type DecoderConfig } from '../src/index.ts';
import { shakeParameters } from './shake-parameters.ts';

const [B, T] = [2, 7];

/** Targets of one batch. */
export const tokensOfBatch = B * T;

export type Gradients = ReadonlyMap<string, Float64Array>;

/** Two rows of ids, and what follows each. */
export function batch(seed: number, device: Device): { x: Tensor; y: Tensor } {
  const place = { shape: [B, T], dtype: 'i32', device } as const;
  const ids = (shift: number): Int32Array => new Int32Array(B * T).map((_, i) => (i * 7 + seed * (i % 5) + shift) % 19);
  return { x: tensor(ids(0), place), y: tensor(ids(seed), place) };
}

/** Takes the gradients out of a model. */
export async function takeGradients(model: Decoder): Promise<Gradients> {
  const taken = new Map<string, Float64Array>();
  for (const [name, parameter] of Object.entries(model.parameters())) {
    expect(parameter.grad, name).not.toBeNull();
    taken.set(name, Float64Array.from(await parameter.grad!.data()));
    parameter.grad!.dispose();
    parameter.grad = null;
  }
  return taken;
}

function sumOf(a: Gradients, b: Gradients): Gradients {
  return new Map([...a].map(([name, values]) => [name, values.map((x, i) => x + b.get(name)![i])]));
}

/** Largest error of every parameter's gradient over its largest value. */
export function gradientErrors(found: Gradients, wanted: Gradients): ReadonlyMap<string, number> {
  return new Map(
    [...wanted].map(([name, values]) => {
      const largest = values.reduce((most, x) => Math.max(most, Math.abs(x)), 1e-3);
      const worst = values.reduce((most, x, i) => Math.max(most, Math.abs(x - found.get(name)![i])), 0);
      return [name, worst / largest];
    }),
  );
}

/** Every parameter's gradient within `tolerance` of its largest value. */
function expectGradients(found: Gradients, wanted: Gradients, tolerance: number): void {
  for (const [name, error] of gradientErrors(found, wanted)) expect(error, name).toBeLessThan(tolerance);
}

/** What several graphs of one model give, alive at once, against the same graphs one after the other. */
export function defineTwoPassesOn(
  name: DeviceName | 'reference',
  configs: Readonly<Record<string, DecoderConfig>>,
  { tolerance = 1e-5, computeDtype = 'f32' }: { tolerance?: number; computeDtype?: 'f32' | 'f16' } = {},
): void {
  describe(`two forward passes of one model alive at once [${name} ${computeDtype}]`, () => {
    let device: Device;
    beforeAll(async () => {
      device = name === 'reference' ? new Device(createReferenceBackend()) : await init({ device: name });
    });
    afterAll(() => device.destroy());

    for (const [title, config] of Object.entries(configs)) {
      const { depth } = config;
      const isModa = depth.kind === 'moda' || depth.kind === 'moda-chunk-visible';
      const replays = depth.kind === 'residual' || (isModa && !('slotsBy' in depth && depth.slotsBy !== 'recency'));
      for (const checkpoint of replays ? [false, true] : [false]) {
        it(`give the gradients of each alone: ${title}, checkpoint: ${checkpoint}`, { timeout: 400_000 }, async () => {
          using model = createDecoder(config, { seed: 5, device, computeDtype });
          await shakeParameters(model);
          const [first, second] = [batch(3, device), batch(8, device)];
          const lossOf = ({ x, y }: typeof first): Tensor => model.loss(x, y, { checkpoint });
          const alone = async (of: typeof first): Promise<Gradients> => {
            tidy(() => backward(lossOf(of)));
            return takeGradients(model);
          };
          const [a, b] = [await alone(first), await alone(second)];

          const summed = async (): Promise<Gradients> => {
            tidy(() => backward(add(lossOf(first), lossOf(second))));
            return takeGradients(model);
          };
          expectGradients(await summed(), sumOf(a, b), tolerance);
          const { liveBytes, allocations } = device.memory();
          expectGradients(await summed(), sumOf(a, b), tolerance);
          expect(device.memory().liveBytes).toBe(liveBytes);
          expect(device.memory().allocations).toBe(allocations);

          tidy(() => {
            const loss = lossOf(first);
            noGrad(() => lossOf(second));
            backward(loss);
          });
          expectGradients(await takeGradients(model), a, tolerance);

          tidy(() => {
            const [older, newer] = [lossOf(first), lossOf(second)];
            backward(older);
            backward(newer);
          });
          expectGradients(await takeGradients(model), sumOf(a, b), tolerance);

          // A graph that nobody runs backward gives its memory back.
          tidy(() => void [lossOf(first), lossOf(second)]);
          expect(device.memory().liveBytes).toBe(liveBytes);
        });
      }
    }
  });
}
