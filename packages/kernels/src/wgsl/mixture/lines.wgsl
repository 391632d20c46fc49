// How the kernels of attention over sources share rows out: a workgroup has THREADS / ROW_LANES lines of threads, one row each at a time.

// @interface
//   override THREADS: u32 = 128u
//   override ROW_LANES: u32 = 32u
