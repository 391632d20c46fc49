import { createDecoder, type DecoderConfig } from '@modajs/models';
import { type ArrayView, type Backend, backward, Device, elementBytes, init, tensor, tidy } from '@modajs/tensor';
import { resolveRunConfig } from '../src/config/run-config.ts';
import { createOptimizer } from '../src/optim/create-optimizer.ts';
import { fakeGpu } from './fake-gpu.ts';

/** One dispatch of a step. */
export interface ListedDispatch {
  readonly pass: 'forward' | 'backward';
  /** The kernel. */
  readonly label: string;
  /** The operator that asked for it, with the shapes of its operands. */
  readonly call: string;
  /** Bytes of the operands; 0 for further kernels of the same call. */
  readonly bytes: number;
}

interface Call {
  readonly text: string;
  readonly bytes: number;
}

/** Every dispatch of one forward and backward pass in f16, in order, as an H100 would be asked for it. */
export async function listDispatches(config: DecoderConfig, B: number): Promise<ListedDispatch[]> {
  const listed: ListedDispatch[] = [];
  let pass: ListedDispatch['pass'] | null = null;
  let call: Call = { text: '', bytes: 0 };
  const gpu = fakeGpu((label) => {
    if (pass === null) return;
    listed.push({ pass, label, call: call.text, bytes: call.bytes });
    call = { ...call, bytes: 0 };
  });
  const { backend } = await init({ device: 'webgpu', gpu });
  const device = new Device(
    watched(backend, (next) => {
      call = next;
    }),
  );
  const model = createDecoder(config, { device, seed: 1, computeDtype: 'f16' });
  // Gives parameters the memory of their gradients, as training does.
  createOptimizer(model.parameters(), resolveRunConfig({}).optimizer);
  const T = config.seqLen;
  const rows = () => tensor(new Int32Array(B * T), { shape: [B, T], device });
  tidy(() => {
    pass = 'forward';
    const loss = model.loss(rows(), rows());
    pass = 'backward';
    backward(loss);
    pass = null;
  });
  return listed;
}

/** The backend, telling about each call that has views among its arguments. */
function watched(backend: Backend, onCall: (call: Call) => void): Backend {
  const watch = (target: object, prefix: string): object =>
    new Proxy(target, {
      get(owner, name) {
        const member: unknown = Reflect.get(owner, name);
        if (name === 'kernels' || name === 'fused') return watch(member as object, `${name} `);
        if (typeof member !== 'function') return member;
        return (...args: unknown[]) => {
          const views = viewsOf(args);
          if (views.length > 0) onCall(describe(`${prefix}${String(name)}`, views));
          return Reflect.apply(member, owner, args);
        };
      },
    });
  return watch(backend, '') as Backend;
}

/** Views among arguments and in their fields. */
function viewsOf(value: unknown): ArrayView[] {
  if (typeof value !== 'object' || value === null) return [];
  if ('storage' in value && 'strides' in value) return [value as ArrayView];
  return Object.values(value).flatMap(viewsOf);
}

function describe(name: string, views: readonly ArrayView[]): Call {
  const extents = ({ shape, strides }: ArrayView) => shape.filter((_, d) => strides[d] !== 0);
  const bytesOf = (view: ArrayView) =>
    extents(view).reduce((product, extent) => product * extent, elementBytes(view.dtype));
  return {
    text: [name, ...views.map(({ dtype, shape }) => `${dtype}[${shape}]`)].join(' '),
    bytes: views.reduce((sum, view) => sum + bytesOf(view), 0),
  };
}
