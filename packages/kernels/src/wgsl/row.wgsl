// Rows of numbers whose elements are a number or a vec4 of it.
// Expects of the importer: the type `Value`, LANES (1 or 4); of a workgroup that shares a row, its threads WIDTH.

// @interface
//   const LANES: u32 = 1u

// Adds the numbers of an element up: a lone f32 spread over a vec4 counts once.
const SPREAD = select(vec4(1.0, 0.0, 0.0, 0.0), vec4(1.0), LANES == 4u);

const LOWEST = -3.4028234e38;

fn largest_of(v: Value) -> f32 {
  let all = vec4<f32>(v);
  return max(max(all.x, all.y), max(all.z, all.w));
}

var<workgroup> part: array<f32, WIDTH>;

// The sum of what the threads of a workgroup found in a row, by a tree: one order whatever the device.
fn row_sum(value: Value, lane: u32) -> f32 {
  workgroupBarrier(); // every thread has read the last result
  part[lane] = dot(vec4<f32>(value), SPREAD);
  for (var half = WIDTH / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) {
      part[lane] += part[lane + half];
    }
  }
  workgroupBarrier();
  return part[0];
}

// The largest of what the threads of a workgroup found in a row.
fn row_largest(value: Value, lane: u32) -> f32 {
  workgroupBarrier(); // every thread has read the last result
  part[lane] = largest_of(value);
  for (var half = WIDTH / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) {
      part[lane] = max(part[lane], part[lane + half]);
    }
  }
  workgroupBarrier();
  return part[0];
}
