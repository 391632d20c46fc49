// Fragments of 16 x 16 and rows of 8 halves an element in workgroup memory, a row padded by one element against bank conflicts.
// Expects of the importer: D, Dv.

alias Left = subgroup_matrix_left<f16, 16, 16>;

alias Right = subgroup_matrix_right<f16, 16, 16>;

alias Accumulator = subgroup_matrix_result<f32, 16, 16>;

const K_FRAGMENTS = (D + 15u) / 16u;

const V_FRAGMENTS = (Dv + 15u) / 16u;

const K_WIDTH = K_FRAGMENTS * 2u; // elements of 8 halves

const V_WIDTH = V_FRAGMENTS * 2u;

const K_STRIDE = K_WIDTH + 1u;

const V_STRIDE = V_WIDTH + 1u;
