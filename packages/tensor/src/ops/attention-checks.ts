import { ConfigError, DTypeError, ShapeError } from '../core/errors.ts';
import {
  type Check,
  checkedLater,
  checkOptions,
  finite,
  flag,
  type OptionChecks,
  orNull,
  positive,
  shown,
  whole,
} from '../core/value-checks.ts';
import type { AttentionInput, DepthReading } from './attention.ts';
import { checkOperands, dtypeIs, floatOnly, isOneDevice, rankIs, sameDType, shapeIs } from './checks.ts';

/** What `slotTensors` and a depth stream's `read` give. */
export const isReading: Check = (operation, name, value) => {
  const { S, Td, device, writers } = (value ?? {}) as Partial<DepthReading>;
  if (Number.isInteger(S) && Number.isInteger(Td) && device && Array.isArray(writers)) return;
  throw new ConfigError(
    `${operation}: ${name} must be what a depth stream's read() gives, got ${shown(value)}. Use read(), or null.`,
    { name },
  );
};

/** Tensors are checked together. */
const ATTENTION_INPUT: OptionChecks<AttentionInput> = {
  q: checkedLater,
  k: checkedLater,
  v: checkedLater,
  Tk: whole(),
  scale: finite,
  causal: flag,
  window: orNull(whole(1)),
  softcap: orNull(positive),
  docRange: checkedLater,
  depth: orNull(isReading),
  chunk: whole(1),
  chunkPhase: whole(),
};

/** Everything that `attentionPrimitive` promises to refuse. @throws ShapeError | DTypeError | DeviceError | ConfigError */
export function checkAttention(input: AttentionInput): void {
  checkOptions('attention', input, ATTENTION_INPUT, ['q', 'k', 'v']);
  const { q, k, v, docRange } = input;
  const device = checkOperands('attention', k === null ? { q } : { q, k, v }, { docRange });
  floatOnly('attention', q, k, v);
  rankIs('attention', 'q', q, '[B, T, H, D]');
  if (k === null && v !== null) {
    throw new ShapeError(
      'attention: k and v must both be given or both be null, got v alone. Give k, or null for both.',
    );
  }
  sameDType('attention', q, k, v);
  if (k !== null) checkSequence(input);
  if (docRange) {
    shapeIs('attention', 'docRange', docRange.shape, [q.shape[0], q.shape[1], 2], '[B, T, 2]');
    dtypeIs('attention', 'docRange', docRange, 'i32');
  }
  if (input.depth) isOneDevice('attention', device, input.depth.device);
  if (input.depth && input.depth.S > 0) checkDepth(input);
  else if (k === null) {
    throw new ShapeError('attention: without k and v there must be depth slots, got S=0. Write to the stream first.');
  }
}

function checkSequence({ q, k, v, Tk }: AttentionInput): void {
  rankIs('attention', 'k', k!, '[B, Tk, Hkv, D]');
  rankIs('attention', 'v', v!, '[B, Tk, Hkv, Dv]');
  const [B, T, H, D] = q.shape;
  const [, capacity, Hkv] = k!.shape;
  shapeIs('attention', 'k', k!.shape, [B, capacity, Hkv, D], '[B, Tk, Hkv, D]');
  shapeIs('attention', 'v', v!.shape, [B, capacity, Hkv, v!.shape[3]], '[B, Tk, Hkv, Dv]');
  checkGroups(H, Hkv);
  const keys = Tk ?? capacity;
  if (keys > capacity || keys < T) {
    throw new ShapeError(
      `attention: T <= Tk <= keyCapacity must hold, got T=${T}, Tk=${keys}, keyCapacity=${capacity}.`,
      { T, Tk: keys, capacity },
    );
  }
}

function checkGroups(H: number, Hkv: number): void {
  if (H % Hkv === 0) return;
  const divisors = Array.from({ length: H }, (_, i) => i + 1).filter((n) => H % n === 0);
  throw new ShapeError(
    `moda: H must be a multiple of Hkv, got H=${H}, Hkv=${Hkv}. Set nKvHeads to ${divisors.slice(0, -1).join(', ')} or ${divisors.at(-1)}.`,
    { H, Hkv },
  );
}

function checkDepth({ q, k, v, depth }: AttentionInput): void {
  const [B, T, H, D] = q.shape;
  const { segments } = depth!;
  const [first] = segments;
  const Hkv = k?.shape[2] ?? first.k.shape[3];
  const Dv = v?.shape[3] ?? first.v.shape[4];
  checkGroups(H, Hkv);
  if (first.k.dtype !== q.dtype) {
    throw new DTypeError(
      `moda: depth slots must have the dtype of q, got ${first.k.dtype} and ${q.dtype}. Make the stream with that dtype.`,
      { dtypes: [q.dtype, first.k.dtype] },
    );
  }
  for (const segment of segments) {
    const slots = segment.k.shape[0];
    shapeIs('moda', 'depthK', segment.k.shape, [slots, B, depth!.Td, Hkv, D], '[S, B, Td, Hkv, D]');
    shapeIs('moda', 'depthV', segment.v.shape, [slots, B, depth!.Td, Hkv, Dv], '[S, B, Td, Hkv, Dv]');
  }
  const held = segments.reduce((sum, segment) => sum + segment.k.shape[0], 0);
  if (depth!.S > held)
    throw new ShapeError(`moda: S must be at most the slots held, got S=${depth!.S}, slots=${held}.`, {
      S: depth!.S,
      held,
    });
  if (depth!.Td < T)
    throw new ShapeError(`moda: depth slots must hold the query's positions, got Td=${depth!.Td}, T=${T}.`, {
      Td: depth!.Td,
      T,
    });
}
