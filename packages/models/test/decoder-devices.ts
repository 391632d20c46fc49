import { backward, Device, type DeviceName, type HostArray, init, noGrad, tensor, tidy } from '@modajs/tensor';
import { createReferenceBackend } from '@modajs/tensor/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDecoder, type Decoder, DecoderCache, type DecoderConfig, hostParameters } from '../src/index.ts';
import { distance } from './distance.ts';
import { shakeParameters } from './shake-parameters.ts';
import { smallConfigs } from './small-configs.ts';

const B = 2;
const T = 9;
const ids = Array.from({ length: B }, (_, b) => Array.from({ length: T }, (_, t) => (t * 7 + 3 * b) % 19));
const targets = ids.map((row) => row.map((id) => (id + 1) % 19));

interface Run {
  readonly loss: number;
  readonly hidden: HostArray;
  readonly gradients: Map<string, HostArray>;
}

/** Loss, hidden states and all gradients of one model on one device. */
async function run(model: Decoder): Promise<Run> {
  const place = { dtype: 'i32', device: model.device } as const;
  const [x, y] = [tensor(ids, place), tensor(targets, place)];
  const hidden = await tidy(() => noGrad(() => model.forward(x))).data();
  const loss = model.loss(x, y);
  backward(loss);
  const gradients = new Map<string, HostArray>();
  for (const [name, { grad }] of Object.entries(model.parameters())) {
    expect(grad, name).not.toBeNull();
    gradients.set(name, await grad!.data());
  }
  return { loss: await loss.item(), hidden, gradients };
}

/** Every mechanism on a device: against the f64 reference, and decoding against one full forward pass. */
export function defineDecoderOn(
  name: DeviceName,
  configs: Readonly<Record<string, DecoderConfig>> = smallConfigs,
): void {
  describe(`decoder [${name}]`, () => {
    let device: Device;
    const reference = new Device(createReferenceBackend());
    const naive = new Device(createReferenceBackend({ round: 'f32' }));
    beforeAll(async () => {
      device = await init({ device: name });
    });
    afterAll(() => device.destroy());

    for (const [title, config] of Object.entries(configs)) {
      // A software adapter compiles dozens of shaders in the first test.
      it(`equals the reference, forward and every gradient: ${title}`, { timeout: 400_000 }, async () => {
        using exact = createDecoder(config, { seed: 5, device: reference });
        await shakeParameters(exact);
        const values = await hostParameters(exact);
        const truth = await run(exact);
        const runOn = async (place: Device): Promise<Run> => {
          using model = createDecoder(config, { device: place });
          model.loadParameters(values);
          return await run(model);
        };
        const [ours, plain] = [await runOn(device), await runOn(naive)];
        expect(Math.abs(ours.loss - truth.loss)).toBeLessThan(1e-5);
        // Twice the error of naive f32 loops, and 1e-5 for errors that happen to cancel there.
        const allowed = (naiveError: number): number => 2 * naiveError + 1e-5;
        expect(distance(ours.hidden, truth.hidden)).toBeLessThan(allowed(distance(plain.hidden, truth.hidden)));
        expect([...ours.gradients.keys()]).toEqual([...truth.gradients.keys()]);
        for (const [parameter, gradient] of truth.gradients) {
          const error = distance(ours.gradients.get(parameter)!, gradient);
          const naiveError = distance(plain.gradients.get(parameter)!, gradient);
          expect(error, parameter).toBeLessThan(allowed(naiveError));
        }
      });

      it(`decodes as one full forward, token by token and in chunks of 7: ${title}`, async () => {
        using model = createDecoder(config, { seed: 6, device });
        await shakeParameters(model);
        const place = { dtype: 'i32', device } as const;
        const full = await tidy(() => noGrad(() => model.forward(tensor(ids, place)))).data();
        for (const size of [1, 7]) {
          using cache = new DecoderCache(config, { B, capacity: T, device });
          for (let start = 0; start < T; start += size) {
            const rows = ids.map((row) => row.slice(start, start + size));
            const part = await tidy(() => noGrad(() => model.forward(tensor(rows, place), { cache }))).data();
            const expected = Array.from({ length: B }, (_, b) =>
              Array.from(full.slice((b * T + start) * config.dModel, (b * T + start + rows[0].length) * config.dModel)),
            ).flat();
            expect(distance(part, expected)).toBeLessThan(1e-5);
          }
        }
      });
    }
  });
}
