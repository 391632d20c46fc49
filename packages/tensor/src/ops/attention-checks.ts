import { ConfigError, ShapeError } from '../core/errors.ts';
import { formatShape } from '../core/shape.ts';
import type { AttentionInput } from './attention.ts';
import { floatOnly, rankIs, sameDevice, sameDType, shapeIs } from './checks.ts';

/** Everything that `attentionPrimitive` promises to refuse. @throws ShapeError | DTypeError | DeviceError | ConfigError */
export function checkAttention(input: AttentionInput): void {
  const { q, k, v, docRange } = input;
  sameDevice('attention', q, k, v, docRange);
  floatOnly('attention', q);
  sameDType('attention', q, k, v);
  rankIs('attention', 'q', q, '[B, T, H, D]');
  if ((k === null) !== (v === null)) throw new ShapeError('attention: k and v must both be given or both be null.');
  if (k !== null && v !== null) checkSequence(input);
  if (docRange) shapeIs('attention', 'docRange', docRange.shape, [q.shape[0], q.shape[1], 2], '[B, T, 2]');
  if (input.depth && input.depth.S > 0) checkDepth(input);
  else if (k === null) throw new ShapeError('attention: without k and v there must be depth slots, got S=0.');
  const { window } = input;
  if (window != null && !(Number.isInteger(window) && window >= 1))
    throw new ConfigError(`attention: window must be a whole number >= 1 or null, got ${window}.`, { window });
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

function checkDepth({ q, k, v, depth, chunk = 1, chunkPhase = 0 }: AttentionInput): void {
  const [B, T, H, D] = q.shape;
  const { segments } = depth!;
  const [first] = segments;
  const Hkv = k?.shape[2] ?? first.k.shape[3];
  const Dv = v?.shape[3] ?? first.v.shape[4];
  checkGroups(H, Hkv);
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
  if (!(Number.isInteger(chunk) && chunk >= 1))
    throw new ConfigError(`modaChunkVisible: chunk must be a whole number >= 1, got ${chunk}.`, { chunk });
  if (!(Number.isInteger(chunkPhase) && chunkPhase >= 0))
    throw new ConfigError(
      `modaChunkVisible: chunkPhase must be a whole number >= 0, got ${formatShape([chunkPhase])}.`,
    );
}
