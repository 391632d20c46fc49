// Sizes that the kernels of the ablation share (naive-plan.ts, flat-plan.ts).

struct Params {
  T: u32, H: u32, Hkv: u32, S: u32,
  head: u32, scale: f32, is_first: u32, pad: u32,
}
