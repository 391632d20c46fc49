// How many workgroups run at once: each counts itself in, stays for a while, and counts itself out; `counts[1]` is the most seen.
// One workgroup = THREADS threads and FILLER words of workgroup memory, so much that kernels that use less are resident as well.
// counts: (present, most, 0, 0), zero before.

// @interface
//   const FILLER: u32 = 1024u
//   override THREADS: u32 = 64u
//   override POLLS: u32 = 4096u
//   read_write counts: array<atomic<u32>>

var<workgroup> filler: array<u32, FILLER>;

@compute @workgroup_size(THREADS)
fn main(@builtin(local_invocation_index) thread: u32) {
  for (var i = thread; i < FILLER; i += THREADS) { filler[i] = i; }
  workgroupBarrier();
  if (thread == 0u) {
    atomicMax(&counts[1], atomicAdd(&counts[0], 1u) + 1u);
    var seen = 0u;
    for (var poll = 0u; poll < POLLS; poll++) { seen += atomicLoad(&counts[0]); }
    // Reads the memory that makes the workgroup as large as it is; never true.
    if (seen == 0xffffffffu) { atomicStore(&counts[2], filler[seen % FILLER]); }
    atomicSub(&counts[0], 1u);
  }
}
