// Depth slots on vectors: loads of a lane's WIDTH columns, and sums over the lanes of a head.
// Expects of the importer: SLOTS, LANES, WIDTH, the bindings k, v and params; `enable subgroups`.

const MORE_LANES = countTrailingZeros(LANES / SLOTS); // halvings beyond a lane for each slot

// WIDTH numbers of a slot's row. Slots beyond the last read the last again, so that no load waits for a branch, and weigh 0.
fn load_key(slot: u32, base: u32) -> vec4<u32> {
  return k[min(slot, params.slots - 1u) * (params.k_slot_stride / WIDTH) + base];
}

fn load_value(slot: u32, base: u32) -> vec4<u32> {
  return v[min(slot, params.slots - 1u) * (params.v_slot_stride / WIDTH) + base];
}

// Sums of SLOTS (4 or 8) numbers over the lanes; lane c gets the sum of number c % SLOTS. 7 exchanges instead of 24.
fn sum_to_lane(x: array<f32, SLOTS>, lane: u32) -> f32 {
  let is_4 = (lane & 4u) != 0u;
  var y0 = x[0];
  var y1 = x[1];
  var y2 = x[2];
  var y3 = x[3];
  if (SLOTS == 8u) { // the remainders are 4 to 7 then
    y0 = select(y0, x[4u % SLOTS], is_4) + subgroupShuffleXor(select(x[4u % SLOTS], y0, is_4), 4u);
    y1 = select(y1, x[5u % SLOTS], is_4) + subgroupShuffleXor(select(x[5u % SLOTS], y1, is_4), 4u);
    y2 = select(y2, x[6u % SLOTS], is_4) + subgroupShuffleXor(select(x[6u % SLOTS], y2, is_4), 4u);
    y3 = select(y3, x[7u % SLOTS], is_4) + subgroupShuffleXor(select(x[7u % SLOTS], y3, is_4), 4u);
  }
  let is_2 = (lane & 2u) != 0u;
  let z0 = select(y0, y2, is_2) + subgroupShuffleXor(select(y2, y0, is_2), 2u);
  let z1 = select(y1, y3, is_2) + subgroupShuffleXor(select(y3, y1, is_2), 2u);
  let is_1 = (lane & 1u) != 0u;
  var sum = select(z0, z1, is_1) + subgroupShuffleXor(select(z1, z0, is_1), 1u);
  for (var step = 0u; step < MORE_LANES; step++) {
    sum += subgroupShuffleXor(sum, SLOTS << step);
  }
  return sum;
}
