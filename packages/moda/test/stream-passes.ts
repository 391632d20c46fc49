import {
  AutogradError,
  add,
  asParameter,
  backward,
  checkpoint,
  Device,
  type DeviceName,
  init,
  linear,
  noGrad,
  reshape,
  ShapeError,
  scope,
  square,
  sum,
  type Tensor,
  tensor,
  tidy,
} from '@modajs/tensor';
import { createReferenceBackend } from '@modajs/tensor/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DepthStream, depthAttention, moda, modaChunkVisible } from '../src/index.ts';
import { DepthArena } from '../src/stream/depth-arena.ts';

// Slots of 512 B: keys and values are computed where they belong.
const [B, T, H, Hkv, D, LAYERS] = [2, 4, 4, 2, 8, 3];
const C = H * D;

type Read = 'moda' | 'depth-attention' | 'chunk-visible';

/** A small model over a depth stream: three layers of queries, keys and values. */
class Layers {
  readonly weights: Tensor[][];
  constructor(
    readonly device: Device,
    readonly how: Read,
    readonly replays: boolean,
  ) {
    this.weights = Array.from({ length: LAYERS }, (_layer, layer) =>
      [C, Hkv * D, Hkv * D].map((width, n) => asParameter(wave([width, C], 1.3 + n + 3 * layer, device))),
    );
  }

  stream(): DepthStream {
    return new DepthStream({ slots: LAYERS, B, T, Hkv, D, device: this.device, readers: LAYERS - 1 });
  }

  /** Layers `from .. end - 1` over the stream, in place where that can be. */
  run(x: Tensor, stream: DepthStream, from = 0, end = LAYERS): Tensor {
    for (let layer = from; layer < end; layer++) {
      const body = (input: Tensor): Tensor => {
        stream.rewind(layer);
        return this.#layer(input, stream, layer);
      };
      x = this.replays ? checkpoint(body, [x]) : body(x);
    }
    return x;
  }

  #layer(x: Tensor, stream: DepthStream, layer: number): Tensor {
    const [wq, wk, wv] = this.weights[layer];
    const heads = (w: Tensor, count: number, into: Tensor | null): Tensor =>
      reshape(linear(x, w, null, into), [B, T, count, D]);
    const q = heads(wq, H, this.how === 'chunk-visible' ? null : stream.queryDestination(H));
    const slot = stream.nextSlot();
    const [k, v] = [heads(wk, Hkv, slot?.k ?? null), heads(wv, Hkv, slot?.v ?? null)];
    const depth = stream.read();
    stream.write(k, v);
    const read = {
      moda,
      'chunk-visible': (...args: Parameters<typeof moda>) =>
        modaChunkVisible(args[0], args[1], args[2], args[3], { chunk: 3 }),
    };
    const { out } = this.how === 'depth-attention' ? depthAttention(q, stream.read()) : read[this.how](q, k, v, depth);
    return add(x, reshape(out, [B, T, C]));
  }

  async take(): Promise<number[]> {
    const all: number[] = [];
    for (const weight of this.weights.flat()) {
      all.push(...((await weight.grad?.data()) ?? new Array<number>(weight.size).fill(0)));
      weight.grad?.dispose();
      weight.grad = null;
    }
    return all;
  }

  dispose(): void {
    for (const weight of this.weights.flat()) weight.dispose();
  }
}

function wave(shape: readonly number[], phase: number, device: Device): Tensor {
  const count = shape.reduce((product, extent) => product * extent, 1);
  const values = Float32Array.from({ length: count }, (_, i) => Math.sin(i * phase + phase) / 4);
  return tensor(values, { shape, device });
}

function expectClose(found: number[], wanted: number[], tolerance: number): void {
  const largest = wanted.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  const worst = wanted.reduce((most, x, i) => Math.max(most, Math.abs(x - found[i])), 0);
  expect(largest).toBeGreaterThan(1e-3);
  expect(worst / largest).toBeLessThan(tolerance);
}

/** A user's own stream, used for more than one pass before the first runs backward. */
export function defineStreamPassesOn(name: DeviceName | 'reference', tolerance = 1e-5): void {
  describe(`DepthStream over several passes [${name}]`, () => {
    let device: Device;
    beforeAll(async () => {
      device = name === 'reference' ? new Device(createReferenceBackend()) : await init({ device: name });
    });
    afterAll(() => device.destroy());

    for (const how of ['moda', 'depth-attention', 'chunk-visible'] as const) {
      for (const replays of [false, true]) {
        it(`gives right gradients when rewound, written again or disposed of before backward: ${how}, checkpoints: ${replays}`, async () => {
          const model = new Layers(device, how, replays);
          const inputs = [1.1, 2.3].map((phase) => wave([B, T, C], phase, device));
          const lossOf = (n: number, stream: DepthStream): Tensor => {
            stream.rewind();
            return sum(square(model.run(inputs[n], stream)));
          };
          const alone = async (n: number): Promise<number[]> => {
            tidy(() => {
              using stream = model.stream();
              backward(lossOf(n, stream));
            });
            return model.take();
          };
          const [a, b] = [await alone(0), await alone(1)];
          const both = a.map((x, i) => x + b[i]);
          const { liveBytes } = device.memory();

          tidy(() => {
            using stream = model.stream();
            backward(add(lossOf(0, stream), lossOf(1, stream)));
          });
          expectClose(await model.take(), both, tolerance);

          tidy(() => {
            using stream = model.stream();
            const loss = lossOf(0, stream);
            noGrad(() => lossOf(1, stream));
            backward(loss);
          });
          expectClose(await model.take(), a, tolerance);

          tidy(() => {
            const stream = model.stream();
            const loss = lossOf(0, stream);
            stream.dispose();
            using other = model.stream();
            noGrad(() => lossOf(1, other));
            backward(loss);
          });
          expectClose(await model.take(), a, tolerance);

          tidy(() => {
            const stream = model.stream();
            void [lossOf(0, stream), lossOf(1, stream)];
            stream.dispose();
          });
          expect(device.memory().liveBytes).toBe(liveBytes);
          for (const input of inputs) input.dispose();
          model.dispose();
        });
      }

      it(`shares the slots that a rewind keeps between the passes: ${how}`, async () => {
        const model = new Layers(device, how, false);
        const input = wave([B, T, C], 1.1, device);
        // The second pass goes on from the first one's slot 0 with another input.
        const losses = (again: (stream: DepthStream) => DepthStream): void =>
          tidy(() => {
            using stream = model.stream();
            const first = model.run(input, stream);
            using next = again(stream);
            next.rewind(1);
            const second = model.run(add(input, 0.3), next, 1);
            backward(add(sum(square(first)), sum(square(second))));
          });
        losses((stream) => stream);
        const found = await model.take();
        // The same slot 0 made anew, and nothing after it: the second pass goes on in the first one's memory and copies no slot.
        losses(() => {
          const stream = model.stream();
          model.run(input, stream, 0, 1);
          return stream;
        });
        expectClose(found, await model.take(), tolerance);
        input.dispose();
        model.dispose();
      });
    }

    it('refuses a reading whose slots are gone, a disposed stream, and a rewind beyond what was written', () => {
      using _ = scope();
      const model = new Layers(device, 'moda', false);
      const q = wave([B, T, H, D], 0.7, device);
      const [k, v] = [0.4, 0.9].map((phase) => wave([B, T, Hkv, D], phase, device));
      const stream = model.stream();
      stream.write(k, v);
      const reading = stream.read();
      expect(() => stream.rewind(2)).toThrow(ShapeError);
      expect(() => stream.rewind(-1)).toThrow(ShapeError);
      expect(() => stream.rewind(0.5)).toThrow(ShapeError);
      stream.rewind();
      depthAttention(q, reading);
      stream.write(v, k);
      expect(() => depthAttention(q, reading)).toThrow(AutogradError);
      expect(() => stream.rewind(2)).toThrow(/slots written must hold, got count=2, written=1/);
      const last = stream.read();
      stream.dispose();
      stream.dispose();
      expect(() => moda(q, k, v, last)).toThrow(AutogradError);
      expect(() => stream.read()).toThrow(AutogradError);
      expect(() => stream.rewind()).toThrow(AutogradError);
      expect(() => stream.write(k, v)).toThrow(AutogradError);
      expect(() => stream.slot(0)).toThrow(AutogradError);
      expect(() => stream.nextSlot()).toThrow(AutogradError);
      model.dispose();
    });

    it('refuses slots that nobody wrote, and a checkpointed function that writes one twice', () => {
      using _ = scope();
      using arena = new DepthArena({ slots: 3, B, T, Hkv, D, device });
      const k = wave([B, T, Hkv, D], 0.4, device);
      arena.writeSlot(0, k, k);
      expect(() => arena.read(2)).toThrow(ShapeError);
      const x = asParameter(wave([B, T, Hkv, D], 0.2, device));
      const twice = (input: Tensor): Tensor => {
        arena.writeSlot(1, input, input);
        arena.writeSlot(1, input, input);
        return input;
      };
      expect(() => checkpoint(twice, [x])).toThrow(AutogradError);
    });

    it('refuses a checkpointed function that begins a pass with copies of recorded slots, and leaves a stream as it was', () => {
      using _ = scope();
      const model = new Layers(device, 'moda', true);
      const stream = model.stream();
      stream.rewind();
      const loss = sum(square(model.run(wave([B, T, C], 1.1, device), stream)));
      stream.rewind(1);
      expect(() => model.run(wave([B, T, C], 2.3, device), stream, 1)).toThrow(
        /must not begin a pass .* keeps slots .* slot 1/,
      );
      stream.rewind(2);
      backward(loss);
      expect(stream.count).toBe(2);
      model.dispose();
    });
  });
}
