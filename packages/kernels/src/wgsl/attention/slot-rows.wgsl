// Loads of 8 halves of a depth slot's key or value; `base` is the position's place in a slot.
// Expects of the importer: D, Dv, the bindings k, v and params.

// 8 halves of a slot's key, zero for slots that are not in use.
fn load_key(slot: u32, base: u32, column: u32) -> vec4<u32> {
  if (slot >= params.slots || column >= D / 8u) {
    return vec4<u32>();
  }
  return k[slot * (params.k_slot_stride / 8u) + base + column];
}

fn load_value(slot: u32, base: u32, column: u32) -> vec4<u32> {
  if (slot >= params.slots || column >= Dv / 8u) {
    return vec4<u32>();
  }
  return v[slot * (params.v_slot_stride / 8u) + base + column];
}
