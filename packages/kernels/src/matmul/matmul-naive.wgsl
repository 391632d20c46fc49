// Matrix product, naive: out = activation(alpha * A . B + bias) + residual (+ out). The first variant: no workgroup memory.
// One workgroup = a BLOCK_M x BLOCK_N tile of out, one thread = one element of it.
// Reference: matmul-reference.ts.

// @interface
//   alias AElement = f32
//   alias BElement = f32
//   alias OutElement = f32
//   alias BiasElement = f32
//   override BLOCK_M: u32 = 4u
//   override BLOCK_N: u32 = 16u
//   override A_TRANSPOSED: bool = false
//   override B_TRANSPOSED: bool = false
//   read a: array<AElement>            [batch][M][lda], or [batch][K][lda] when A_TRANSPOSED
//   read b: array<BElement>            [batch][K][ldb], or [batch][N][ldb] when B_TRANSPOSED
//   read bias: array<BiasElement>      [N]
//   read residual: array<OutElement>   [batch][M][ld]
//   read_write out: array<OutElement>  [batch][M][ld]
//   uniform params: Params

// @import { HAS_BIAS, HAS_RESIDUAL, ACCUMULATE, Params, activate } from '../wgsl/matmul/product.wgsl'

@compute @workgroup_size(BLOCK_N, BLOCK_M)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) thread: vec3<u32>) {
  let tiles_m = (params.m + BLOCK_M - 1u) / BLOCK_M;
  let tiles_n = (params.n + BLOCK_N - 1u) / BLOCK_N;
  let linear = group.x + group.y * params.groups_x;
  let batch = linear / (tiles_m * tiles_n);
  let tile = linear % (tiles_m * tiles_n);
  let row = (tile / tiles_n) * BLOCK_M + thread.y;
  let column = (tile % tiles_n) * BLOCK_N + thread.x;
  if (batch >= params.batch || row >= params.m || column >= params.n) { return; }

  var a_step = 1u;
  var a_at = params.a_offset + batch * params.a_batch + row * params.a_ld;
  if (A_TRANSPOSED) {
    a_step = params.a_ld;
    a_at = params.a_offset + batch * params.a_batch + row;
  }
  var b_step = params.b_ld;
  var b_at = params.b_offset + batch * params.b_batch + column;
  if (B_TRANSPOSED) {
    b_step = 1u;
    b_at = params.b_offset + batch * params.b_batch + column * params.b_ld;
  }
  var sum = 0.0;
  let length = params.k;
  for (var k = 0u; k < length; k++) {
    sum += f32(a[a_at]) * f32(b[b_at]);
    a_at += a_step;
    b_at += b_step;
  }

  sum *= params.alpha;
  if (HAS_BIAS) { sum += f32(bias[params.bias_offset + column]); }
  sum = activate(sum);
  if (HAS_RESIDUAL) {
    sum += f32(residual[params.residual_offset + batch * params.residual_batch + row * params.residual_ld + column]);
  }
  let at = params.out_offset + batch * params.out_batch + row * params.out_ld + column;
  if (ACCUMULATE) { sum += f32(out[at]); }
  out[at] = OutElement(sum);
}
