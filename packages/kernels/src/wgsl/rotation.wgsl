// Cosine and sine of the angles of rotary embeddings.

// (cos, sin) to float precision for any angle below about 1e5: three-part reduction, then the polynomials of Cephes.
fn rotation_of(angle: f32) -> vec2<f32> {
  let quadrant = round(angle * 0.6366197723675814);
  let r = ((angle - quadrant * 1.5703125) - quadrant * 4.837512969970703e-4) - quadrant * 7.549789954891882e-8;
  let s = r * r;
  let sine = r + r * s * (-1.6666654611e-1 + s * (8.3321608736e-3 - s * 1.9515295891e-4));
  let cosine = 1.0 - 0.5 * s + s * s * (4.166664568298827e-2 + s * (-1.388731625493765e-3 + s * 2.443315711809948e-5));
  switch u32(i32(quadrant)) & 3u {
    case 0u: { return vec2(cosine, sine); }
    case 1u: { return vec2(-sine, cosine); }
    case 2u: { return vec2(-cosine, -sine); }
    default: { return vec2(sine, -cosine); }
  }
}

// Four angles' cosines and sines.
struct Rotations {
  cosine: vec4<f32>,
  sine: vec4<f32>,
}

fn rotations_of(angle: vec4<f32>) -> Rotations {
  let quadrant = round(angle * 0.6366197723675814);
  let r = ((angle - quadrant * 1.5703125) - quadrant * 4.837512969970703e-4) - quadrant * 7.549789954891882e-8;
  let s = r * r;
  let sine = r + r * s * (-1.6666654611e-1 + s * (8.3321608736e-3 - s * 1.9515295891e-4));
  let cosine = 1.0 - 0.5 * s + s * s * (4.166664568298827e-2 + s * (-1.388731625493765e-3 + s * 2.443315711809948e-5));
  let places = vec4<u32>(vec4<i32>(quadrant)); // modulo 4 where it is read
  let is_odd = (places & vec4(1u)) != vec4(0u);
  let first = select(cosine, sine, is_odd);
  let second = select(sine, cosine, is_odd);
  return Rotations(
    select(first, -first, ((places + 1u) & vec4(2u)) != vec4(0u)),
    select(second, -second, (places & vec4(2u)) != vec4(0u)),
  );
}
