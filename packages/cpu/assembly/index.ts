// Entry point of the module: runs the tiles of a job, on the main thread and on workers.
import {
  KERNEL_FILL,
  KERNEL_COPY,
  KERNEL_UNARY,
  KERNEL_BINARY,
  KERNEL_TERNARY,
  KERNEL_INTEGER_UNARY,
  KERNEL_INTEGER_BINARY,
  KERNEL_INTEGER_WHERE,
  KERNEL_REDUCE,
  KERNEL_ARGMAX,
  KERNEL_ARGSORT,
  KERNEL_MATMUL_PACK,
  KERNEL_MATMUL,
  KERNEL_MATMUL_ROWS,
  KERNEL_SOFTMAX,
  KERNEL_SOFTMAX_BACKWARD,
  KERNEL_CROSS_ENTROPY,
  KERNEL_CROSS_ENTROPY_BACKWARD,
  KERNEL_RMS_NORM,
  KERNEL_RMS_NORM_BACKWARD,
  KERNEL_LAYER_NORM,
  KERNEL_LAYER_NORM_BACKWARD,
  KERNEL_ROPE,
  KERNEL_GATHER,
  KERNEL_GATHER_BACKWARD,
  KERNEL_RANDOM,
  KERNEL_DROPOUT,
  KERNEL_ADAMW,
  KERNEL_SUM_SQUARES,
  KERNEL_ATTENTION_FORWARD,
  KERNEL_ATTENTION_DELTA,
  KERNEL_ATTENTION_BACKWARD_QUERY,
  KERNEL_ATTENTION_BACKWARD_KEY,
  KERNEL_ATTENTION_BACKWARD_DEPTH,
  KERNEL_QUANTIZED_PRODUCT,
  KERNEL_DEQUANTIZE,
} from '../src/abi/kernels';
import {
  CONTROL_ARGUMENTS, CONTROL_FAILED, CONTROL_FINISHED_TILES, CONTROL_GENERATION, CONTROL_INSIDE, CONTROL_KERNEL, CONTROL_NEXT_TILE, CONTROL_OPEN,
  CONTROL_SLEEPING, CONTROL_STOP, CONTROL_TILES,
} from '../src/abi/control';
import { attentionBackwardDepth } from './attention-backward-depth';
import { attentionBackwardKey } from './attention-backward-key';
import { attentionBackwardQuery, attentionDelta } from './attention-backward-query';
import { attentionForward } from './attention-forward';
import { binary } from './binary';
import { copy, fill } from './copy';
import { gather, gatherBackward } from './gather';
import { integerBinary, integerUnary, integerWhere } from './integer-elementwise';
import { matmul, matmulPack, matmulRows } from './matmul';
import { layerNorm, layerNormBackward, rmsNorm, rmsNormBackward } from './norm';
import { adamw, sumSquares } from './optimizer';
import { dequantize, quantizedProduct } from './quantized';
import { dropout, random } from './random';
import { argmax, reduce } from './reduce';
import { rope } from './rope';
import { argsort } from './sort';
import { crossEntropy, crossEntropyBackward, softmax, softmaxBackward } from './softmax';
import { ternary } from './ternary';
import { unary } from './unary';
import { setScratch } from './thread';

function dispatch(kernel: i32, args: usize, tile: i32): void {
  switch (kernel) {
    case KERNEL_FILL: fill(args, tile); break;
    case KERNEL_COPY: copy(args, tile); break;
    case KERNEL_UNARY: unary(args, tile); break;
    case KERNEL_BINARY: binary(args, tile); break;
    case KERNEL_TERNARY: ternary(args, tile); break;
    case KERNEL_INTEGER_UNARY: integerUnary(args, tile); break;
    case KERNEL_INTEGER_BINARY: integerBinary(args, tile); break;
    case KERNEL_INTEGER_WHERE: integerWhere(args, tile); break;
    case KERNEL_REDUCE: reduce(args, tile); break;
    case KERNEL_ARGMAX: argmax(args, tile); break;
    case KERNEL_ARGSORT: argsort(args, tile); break;
    case KERNEL_MATMUL_PACK: matmulPack(args, tile); break;
    case KERNEL_MATMUL: matmul(args, tile); break;
    case KERNEL_MATMUL_ROWS: matmulRows(args, tile); break;
    case KERNEL_SOFTMAX: softmax(args, tile); break;
    case KERNEL_SOFTMAX_BACKWARD: softmaxBackward(args, tile); break;
    case KERNEL_CROSS_ENTROPY: crossEntropy(args, tile); break;
    case KERNEL_CROSS_ENTROPY_BACKWARD: crossEntropyBackward(args, tile); break;
    case KERNEL_RMS_NORM: rmsNorm(args, tile); break;
    case KERNEL_RMS_NORM_BACKWARD: rmsNormBackward(args, tile); break;
    case KERNEL_LAYER_NORM: layerNorm(args, tile); break;
    case KERNEL_LAYER_NORM_BACKWARD: layerNormBackward(args, tile); break;
    case KERNEL_ROPE: rope(args, tile); break;
    case KERNEL_GATHER: gather(args, tile); break;
    case KERNEL_GATHER_BACKWARD: gatherBackward(args, tile); break;
    case KERNEL_RANDOM: random(args, tile); break;
    case KERNEL_DROPOUT: dropout(args, tile); break;
    case KERNEL_ADAMW: adamw(args, tile); break;
    case KERNEL_SUM_SQUARES: sumSquares(args, tile); break;
    case KERNEL_ATTENTION_FORWARD: attentionForward(args, tile); break;
    case KERNEL_ATTENTION_DELTA: attentionDelta(args, tile); break;
    case KERNEL_ATTENTION_BACKWARD_QUERY: attentionBackwardQuery(args, tile); break;
    case KERNEL_ATTENTION_BACKWARD_KEY: attentionBackwardKey(args, tile); break;
    case KERNEL_ATTENTION_BACKWARD_DEPTH: attentionBackwardDepth(args, tile); break;
    case KERNEL_QUANTIZED_PRODUCT: quantizedProduct(args, tile); break;
    case KERNEL_DEQUANTIZE: dequantize(args, tile); break;
    default: unreachable();
  }
}

/** First byte after the module's constants. */
export function heapBase(): usize { return __heap_base; }

/** Gives the calling thread its private memory. */
export function useScratch(address: usize): void { setScratch(address); }

function takeTiles(control: usize): void {
  const kernel = load<i32>(control, CONTROL_KERNEL);
  const tiles = load<i32>(control, CONTROL_TILES);
  while (true) {
    const tile = atomic.add<i32>(control, 1, CONTROL_NEXT_TILE);
    if (tile >= tiles) return;
    dispatch(kernel, control + CONTROL_ARGUMENTS, tile);
    atomic.add<i32>(control, 1, CONTROL_FINISHED_TILES);
  }
}

/** Runs all tiles on this thread. */
export function runAlone(control: usize, kernel: i32, tiles: i32): void {
  for (let tile = 0; tile < tiles; tile++) dispatch(kernel, control + CONTROL_ARGUMENTS, tile);
}

/** Looks this often before it sleeps: about 20 microseconds, longer than the pause between two operators. */
const SPINS = 4000;

/**
 * Runs all tiles together with the workers and returns when every one is done: 0, or 1 when a worker failed.
 * `mayBlock` allows sleeping, which a browser's main thread must not.
 */
export function runShared(control: usize, kernel: i32, tiles: i32, mayBlock: i32): i32 {
  store<i32>(control, kernel, CONTROL_KERNEL);
  store<i32>(control, tiles, CONTROL_TILES);
  atomic.store<i32>(control, 0, CONTROL_NEXT_TILE);
  atomic.store<i32>(control, 0, CONTROL_FINISHED_TILES);
  atomic.store<i32>(control, 1, CONTROL_OPEN);
  atomic.add<i32>(control, 1, CONTROL_GENERATION);
  const sleeping = atomic.load<i32>(control, CONTROL_SLEEPING);
  if (sleeping > 0) atomic.notify(control + CONTROL_GENERATION, min(sleeping, tiles - 1));
  takeTiles(control);
  let spins = 0;
  while (true) {
    const finished = atomic.load<i32>(control, CONTROL_FINISHED_TILES);
    if (finished == tiles) break;
    if (atomic.load<i32>(control, CONTROL_FAILED) != 0) return 1;
    if (mayBlock != 0 && ++spins > SPINS) atomic.wait<i32>(control + CONTROL_FINISHED_TILES, finished, 50000);
  }
  atomic.store<i32>(control, 0, CONTROL_OPEN);
  while (atomic.load<i32>(control, CONTROL_INSIDE) != 0) {
    if (atomic.load<i32>(control, CONTROL_FAILED) != 0) return 1;
  }
  return 0;
}

/** A worker's life: take part in every job it notices, sleep in between, leave when asked. */
export function work(control: usize): void {
  while (true) {
    const generation = atomic.load<i32>(control, CONTROL_GENERATION);
    // Entering before looking: the main thread changes nothing while somebody is inside.
    atomic.add<i32>(control, 1, CONTROL_INSIDE);
    if (atomic.load<i32>(control, CONTROL_OPEN) != 0) takeTiles(control);
    atomic.sub<i32>(control, 1, CONTROL_INSIDE);
    let spins = 0;
    while (atomic.load<i32>(control, CONTROL_GENERATION) == generation && spins < SPINS) spins++;
    if (spins == SPINS) {
      atomic.add<i32>(control, 1, CONTROL_SLEEPING);
      atomic.wait<i32>(control + CONTROL_GENERATION, generation, -1);
      atomic.sub<i32>(control, 1, CONTROL_SLEEPING);
    }
    if (atomic.load<i32>(control, CONTROL_STOP) != 0) return;
  }
}
