// Switches of the kernels of norm and rotation in one pass.

// @interface
//   override HAS_NORM: bool = true
//   override HAS_WEIGHT: bool = true
//   override HAS_VALUES: bool = false
//   override IS_INTERLEAVED: bool = false
