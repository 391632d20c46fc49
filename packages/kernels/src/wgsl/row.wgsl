// Rows of numbers whose elements are a number or a vec4 of it.
// Expects of the importer: the type `Value`, LANES (1 or 4).

// Adds the numbers of an element up: a lone f32 spread over a vec4 counts once.
const SPREAD = select(vec4(1.0, 0.0, 0.0, 0.0), vec4(1.0), LANES == 4u);

const LOWEST = -3.4028234e38;

fn largest_of(v: Value) -> f32 {
  let all = vec4<f32>(v);
  return max(max(all.x, all.y), max(all.z, all.w));
}

const LANES: u32 = 1u; // @specialize
