import {
  add,
  asParameter,
  attentionPrimitive,
  backward,
  type CompleteBackend,
  cast,
  checkpoint,
  Device,
  init,
  linear,
  reshape,
  scope,
  square,
  sum,
  type Tensor,
  tensor,
} from '@modajs/tensor';
import { type WebGpuKernels, webGpuKernels } from '@modajs/tensor/extend';
import { createReferenceBackend } from '@modajs/tensor/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DepthArena } from '../src/stream/depth-arena.ts';

let gpu: Device;
let truth: Device;
beforeAll(async () => {
  gpu = await init({ device: 'webgpu' });
  truth = new Device(createReferenceBackend());
});
afterAll(() => {
  gpu.destroy();
  truth.destroy();
});

/** What a small model of four blocks does with its stream; D = 8 and 2 key/value heads of 3 query heads each. */
interface Story {
  readonly dtype?: 'f32' | 'f16';
  readonly blocks?: number;
  /** Slots that each block writes. */
  readonly perBlock?: 1 | 2;
  readonly wrap?: (body: (x: Tensor) => Tensor, x: Tensor) => Tensor;
  /** Slots that a reader skips, of how many. */
  readonly skip?: (count: number) => number;
  readonly chunk?: (block: number) => number;
  readonly documents?: boolean;
  readonly maxSegmentBytes?: number;
  /** Each block ends in an output projection. */
  readonly projects?: boolean;
  /** Queries are computed, and output gradients of a projection made, where the gather wants them. */
  readonly inPlace?: boolean;
  readonly passes?: number;
  readonly afterBackward?: () => void;
}

const [B, T, H, Hkv, D, BLOCKS] = [2, 5, 6, 2, 8, 4];
const C = H * D;

/** Gradients of every projection after `passes` backward passes. */
async function gradients(device: Device, story: Story): Promise<Float64Array[]> {
  const { dtype = 'f32', perBlock = 2, wrap = (body, x) => body(x), skip = () => 0, passes = 1 } = story;
  const { blocks = BLOCKS } = story;
  using _ = scope();
  const widths = [C, ...Array.from({ length: 2 * perBlock }, () => Hkv * D), ...(story.projects ? [C] : [])];
  const weights = Array.from({ length: blocks }, (_block, block) =>
    widths.map((width, n) =>
      asParameter(
        tensor(
          Float32Array.from({ length: width * C }, (_x, i) => Math.sin(i * (1.3 + n) + 7 * block) / 8),
          { shape: [width, C], dtype, device },
        ),
      ),
    ),
  );
  const document = Array.from({ length: B * T }, (_x, t) => (t % T < 2 ? [0, 2] : [2, T])).flat();
  const docRange = story.documents ? tensor(document, { shape: [B, T, 2], dtype: 'i32', device }) : null;
  const slots = blocks * perBlock;
  const readers = story.inPlace ? blocks - 1 : undefined;
  const { maxSegmentBytes } = story;
  using arena = new DepthArena({ slots, B, T, Hkv, D, dtype, device, maxSegmentBytes, readers });
  for (let pass = 0; pass < passes; pass++) {
    const values = Float32Array.from({ length: B * T * C }, (_x, i) => Math.cos(i * 0.7 + pass));
    let x = tensor(values, { shape: [B, T, C], dtype, device });
    for (const [block, own] of weights.entries()) {
      x = wrap((from) => {
        const written = block * perBlock;
        const queries = story.inPlace ? arena.queryDestination(written, H) : null;
        const heads = (n: number): Tensor =>
          reshape(linear(from, own[n], null, n === 0 ? queries : null), [B, T, n === 0 ? H : Hkv, D]);
        const [k, v] = [heads(1), heads(2)];
        const depth = arena.read(written, skip(written));
        const { out } = attentionPrimitive({ q: heads(0), k, v, depth, docRange, chunk: story.chunk?.(block) });
        arena.writeSlot(written, k, v);
        if (perBlock === 2) arena.writeSlot(written + 1, heads(3), heads(4));
        const y = reshape(out, [B, T, C]);
        return add(from, story.projects ? linear(y, own.at(-1)!) : y);
      }, x);
    }
    backward(sum(square(cast(x, 'f32'))));
    story.afterBackward?.();
  }
  const host: Float64Array[] = [];
  for (const own of weights.slice(0, -1)) {
    for (const weight of own) host.push(Float64Array.from(await weight.grad!.data()));
  }
  return host;
}

/** A backend whose members a test replaces. */
type Replaceable = { -readonly [K in keyof CompleteBackend]: CompleteBackend[K] } & { kernels?: WebGpuKernels };

/** Counts what a device's attention is asked to do with depth gradients. */
function watch(device: Device): { counts: { gathers: number; added: number }; restore: () => void } {
  const backend = device.backend as Replaceable;
  const { attentionBackward } = backend;
  const kernels = webGpuKernels(device);
  const counts = { gathers: 0, added: 0 };
  backend.attentionBackward = (args) => {
    if (args.dDepth !== null) counts.added++;
    attentionBackward.call(backend, args);
  };
  if (kernels) {
    const runAligned: WebGpuKernels['runAligned'] = (key, ...rest) => {
      if (key.startsWith('depth-gather')) counts.gathers++;
      kernels.runAligned(key, ...rest);
    };
    backend.kernels = { ...kernels, runAligned };
  }
  return { counts, restore: () => Object.assign(backend, { attentionBackward, ...(kernels && { kernels }) }) };
}

const STORIES: [string, Story, { gathers: number; added: number }][] = [
  // 3 of 4 blocks write slots that someone reads: one gather for both slots of a block.
  ['two slots a block', {}, { gathers: 3, added: 0 }],
  ['one slot a block', { perBlock: 1 }, { gathers: 3, added: 0 }],
  ['f16', { dtype: 'f16' }, { gathers: 3, added: 0 }],
  ['packed documents', { documents: true }, { gathers: 3, added: 0 }],
  ['several segments of slots', { maxSegmentBytes: 3 * B * T * Hkv * D * 4 }, { gathers: 3, added: 0 }],
  ['the newest two slots', { skip: (count) => Math.max(0, count - 2) }, { gathers: 3, added: 0 }],
  // Windows that split the slots of a block.
  ['the newest three slots', { skip: (count) => Math.max(0, count - 3) }, { gathers: 5, added: 0 }],
  ['checkpoints', { wrap: (body, x) => checkpoint(body, [x]) }, { gathers: 3, added: 0 }],
  ['two backward passes', { passes: 2 }, { gathers: 6, added: 0 }],
  // From the fourth reader on slots are gathered ahead, and readers that come later added: blocks 7 to 1 take
  // one gather each, whose slots of block 5, 3 and 1 are gathered with those of the block after.
  ['ten blocks: slots ahead of their readers', { blocks: 10 }, { gathers: 9, added: 0 }],
  ['ten blocks, f16', { blocks: 10, dtype: 'f16' }, { gathers: 9, added: 0 }],
  ['ten blocks, one slot a block', { blocks: 10, perBlock: 1 }, { gathers: 9, added: 0 }],
  [
    'ten blocks, the newest five slots',
    { blocks: 10, skip: (count) => Math.max(0, count - 5) },
    { gathers: 16, added: 0 },
  ],
  ['ten blocks, checkpoints', { blocks: 10, wrap: (body, x) => checkpoint(body, [x]) }, { gathers: 9, added: 0 }],
  ['queries and output gradients in place', { projects: true, inPlace: true }, { gathers: 3, added: 0 }],
  ['chunks of 3: readers add up', { chunk: () => 3 }, { gathers: 0, added: 3 }],
  ['one reader with chunks of 3 among others', { chunk: (block) => (block === 2 ? 3 : 1) }, { gathers: 3, added: 1 }],
];

describe('depthArena', { timeout: 120_000 }, () => {
  it.each(STORIES)('gives slots the gradients of f64 [webgpu, %s]', async (_name, story, expected) => {
    const { counts, restore } = watch(gpu);
    const actual = await gradients(gpu, story);
    restore();
    expect(counts).toEqual(expected);
    const wanted = await gradients(truth, story);
    const bound = story.dtype === 'f16' ? 2 ** -7 : 2 ** -17;
    for (const [n, values] of wanted.entries()) {
      const largest = values.reduce((a, x) => Math.max(a, Math.abs(x)), 0);
      expect(largest).toBeGreaterThan(0);
      const error = values.reduce((a, x, i) => Math.max(a, Math.abs(x - actual[n][i])), 0);
      expect(error / largest).toBeLessThan(bound);
    }
    expect(await gradients(gpu, story)).toEqual(actual);
  });

  it('adds up on devices without deferral, with the same result [reference]', async () => {
    const { counts, restore } = watch(truth);
    await gradients(truth, {});
    restore();
    expect(counts).toEqual({ gathers: 0, added: 3 });
  });

  it.each([
    ['', {}],
    [', queries in place', { projects: true, inPlace: true }],
  ] as [string, Story][])('splits what readers leave where a binding ends%s [webgpu]', async (_name, story) => {
    const whole = await gradients(gpu, story);
    const backend = gpu.backend as Replaceable;
    const kernels = webGpuKernels(gpu)!;
    // One reader's q is 1,920 bytes: two rows a piece.
    backend.kernels = { ...kernels, capabilities: { ...kernels.capabilities, maxBindingBytes: 4000 } };
    const { counts, restore } = watch(gpu);
    const split = await gradients(gpu, story);
    restore();
    backend.kernels = kernels;
    expect(counts.added + counts.gathers).toBeGreaterThan(3);
    for (const [n, values] of whole.entries()) {
      const largest = values.reduce((a, x) => Math.max(a, Math.abs(x)), 0);
      values.forEach((x, i) => {
        expect(Math.abs(x - split[n][i]) / largest).toBeLessThan(2 ** -18);
      });
    }
  });

  it.each([
    ['f32', {}],
    ['f16, two passes', { dtype: 'f16', passes: 2 }],
    ['ten blocks', { blocks: 10 }],
    ['one slot a block', { perBlock: 1, blocks: 6 }],
    ['checkpoints, which have no place for queries', { wrap: (body, x) => checkpoint(body, [x]) }],
    ['a reader with chunks of 3 among others', { chunk: (block) => (block === 2 ? 3 : 1) }],
  ] as [string, Story][])(
    'gives the same bits whether queries are copied or made in place [webgpu, %s]',
    async (_name, story) => {
      const copied = await gradients(gpu, { ...story, projects: true });
      expect(await gradients(gpu, { ...story, projects: true, inPlace: true })).toEqual(copied);
    },
  );

  it.each([
    // Output gradients are made in place by their projection, whatever becomes of the queries.
    [true, 0],
    [false, BLOCKS - 1],
  ])('copies no query when they are computed in place: %s [webgpu]', async (inPlace, copies) => {
    const backend = gpu.backend as Replaceable;
    const { copy } = backend;
    let count = 0;
    backend.copy = (from, to) => {
      if (from.shape.join() === [B, T, H, D].join()) count++;
      copy(from, to);
    };
    await gradients(gpu, { projects: true, inPlace });
    Object.assign(backend, { copy });
    expect(count).toBe(copies);
  });

  it.each([
    ['', {}],
    [' and queries in place', { projects: true, inPlace: true }],
    [' and checkpoints', { wrap: (body, x) => checkpoint(body, [x]) }],
    [' and windows', { skip: (count) => Math.max(0, count - 3) }],
  ] as [string, Story][])(
    'frees what readers left when the last writer has its gradient%s [webgpu]',
    async (_name, story) => {
      const backend = gpu.backend as Replaceable;
      const { allocate, release } = backend;
      const alive = new Set<unknown>();
      let most = 0;
      backend.allocate = (length, dtype) => {
        const storage = allocate(length, dtype);
        // Queries (and output gradients) of all three readers.
        if (length === (BLOCKS - 1) * B * T * C) alive.add(storage);
        most = Math.max(most, alive.size);
        return storage;
      };
      backend.release = (storage) => {
        alive.delete(storage);
        release(storage);
      };
      let left = -1;
      await gradients(gpu, {
        ...story,
        afterBackward: () => {
          left = alive.size;
        },
      });
      Object.assign(backend, { allocate, release });
      expect(most).toBe(2);
      // Queries made in place belong to the pass too, whose tensors are still in scope here.
      expect(left).toBe(story.inPlace ? 1 : 0);
    },
  );

  it('takes no fresh memory after the first step, and none beyond the readers [webgpu]', async () => {
    const step = async () => {
      await gradients(gpu, {});
      gpu.endStep();
      return gpu.memory();
    };
    await step();
    const { allocations, liveBytes } = await step();
    for (let n = 0; n < 3; n++) expect(await step()).toMatchObject({ allocations, liveBytes });
  });
});
