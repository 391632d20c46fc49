import { CollectiveError } from '../../distributed/collective-error.ts';

/** The address of an MPI object: a communicator, a type, an operation. */
type Handle = bigint;
type Status = number;

/** OpenMPI's C functions, as far as training needs them. Typed arrays are passed by address, without a copy. */
export interface MpiLibrary {
  readonly world: Handle;
  readonly types: { readonly float: Handle; readonly double: Handle; readonly byte: Handle };
  readonly ops: { readonly sum: Handle; readonly max: Handle };
  init(): Status;
  finalize(): Status;
  abort(comm: Handle, exitCode: number): Status;
  rank(comm: Handle, out: Int32Array): Status;
  size(comm: Handle, out: Int32Array): Status;
  /** Sets `flag[0]` to 1 when the operation behind the request is done. */
  test(request: BigUint64Array, flag: Int32Array): Status;
  iallreduce(
    buffer: ArrayBufferView,
    count: number,
    type: Handle,
    op: Handle,
    comm: Handle,
    request: BigUint64Array,
  ): Status;
  ireduceScatter(
    buffer: ArrayBufferView,
    counts: Int32Array,
    type: Handle,
    op: Handle,
    comm: Handle,
    request: BigUint64Array,
  ): Status;
  iallgatherv(
    buffer: ArrayBufferView,
    counts: Int32Array,
    starts: Int32Array,
    type: Handle,
    comm: Handle,
    request: BigUint64Array,
  ): Status;
  ialltoallv(
    send: ArrayBufferView,
    sendCounts: Int32Array,
    sendStarts: Int32Array,
    receive: ArrayBufferView,
    receiveCounts: Int32Array,
    receiveStarts: Int32Array,
    type: Handle,
    comm: Handle,
    request: BigUint64Array,
  ): Status;
  ibcast(
    buffer: ArrayBufferView,
    count: number,
    type: Handle,
    root: number,
    comm: Handle,
    request: BigUint64Array,
  ): Status;
  ibarrier(comm: Handle, request: BigUint64Array): Status;
  /** Makes failures of messages statuses instead of the end of the job. */
  returnErrors(comm: Handle): Status;
  isend(bytes: Uint8Array, to: number, tag: number, comm: Handle, request: BigUint64Array): Status;
  irecv(bytes: Uint8Array, from: number, tag: number, comm: Handle, request: BigUint64Array): Status;
  /** A message that has come, from whomever; null when there is none. @throws nothing; a failure counts as none */
  iprobe(tag: number, comm: Handle): { readonly from: number; readonly bytes: number } | null;
}

/** Where OpenMPI 4 and 5 lie, by the loader's search path. */
const LIBRARY_NAMES: Readonly<Record<string, readonly string[]>> = {
  linux: ['libmpi.so.40', 'libmpi.so'],
  darwin: ['libmpi.40.dylib', 'libmpi.dylib'],
};

/** `MPI_IN_PLACE` and `MPI_STATUS_IGNORE` of OpenMPI's mpi.h. */
const IN_PLACE = 1;
const STATUS_IGNORE = 0;
/** `MPI_ANY_SOURCE`. */
const ANY_SOURCE = -1;
/** Of `MPI_Status`: the sender is its first int, the bytes its only size_t, at 16. */
const STATUS_BYTES = 24;

/**
 * Loads OpenMPI through `koffi`.
 *
 * @param path the library; the loader's search path when absent
 * @throws CollectiveError when `koffi` or the library is missing, or the library is another MPI
 */
export async function loadMpiLibrary(path?: string): Promise<MpiLibrary> {
  const koffi = await import('koffi').then(
    (module) => module.default,
    (error: Error) => {
      throw new CollectiveError(
        `mpi: the npm package koffi must be there, got: ${oneLine(error)}. Run: npm install koffi`,
      );
    },
  );
  const names = path === undefined ? (LIBRARY_NAMES[process.platform] ?? []) : [path];
  const failures: string[] = [];
  for (const name of names) {
    try {
      // Lazy and global: OpenMPI's own plugins look for its symbols.
      const library = koffi.load(name, { lazy: true, global: true });
      return bind(koffi, library);
    } catch (error) {
      failures.push(`${name}: ${oneLine(error as Error)}`);
    }
  }
  throw new CollectiveError(
    `mpi: OpenMPI 4 or 5 must be there to train with several ranks, got: ${failures.join('; ') || `no build for ${process.platform}`}. ` +
      'Install it (Debian: libopenmpi3) or set MODA_MPI_LIBRARY to the path of libmpi.so.',
  );
}

type Koffi = typeof import('koffi').default;
type LoadedLibrary = ReturnType<Koffi['load']>;

function bind(koffi: Koffi, library: LoadedLibrary): MpiLibrary {
  const address = (symbol: string): Handle => BigInt(koffi.address(library.symbol(symbol, 'char')));
  const func = (declaration: string) => library.func(declaration);
  const init = func('int MPI_Init(void *argc, void *argv)');
  const test = func('int MPI_Test(void *request, void *flag, uintptr_t status)');
  const reduceArguments = 'uintptr_t type, uintptr_t op, uintptr_t comm, void *request';
  const iallreduce = func(`int MPI_Iallreduce(uintptr_t send, void *recv, int count, ${reduceArguments})`);
  const ireduceScatter = func(`int MPI_Ireduce_scatter(uintptr_t send, void *recv, void *counts, ${reduceArguments})`);
  const iallgatherv = func(
    'int MPI_Iallgatherv(uintptr_t send, int sendCount, uintptr_t sendType, void *recv, void *counts, void *starts, ' +
      'uintptr_t type, uintptr_t comm, void *request)',
  );
  const ialltoallv = func(
    'int MPI_Ialltoallv(void *send, void *sendCounts, void *sendStarts, uintptr_t sendType, void *recv, void *recvCounts, ' +
      'void *recvStarts, uintptr_t recvType, uintptr_t comm, void *request)',
  );
  const byte = address('ompi_mpi_byte');
  const message = 'int count, uintptr_t type, int peer, int tag, uintptr_t comm, void *request';
  const isend = func(`int MPI_Isend(void *buffer, ${message})`);
  const irecv = func(`int MPI_Irecv(void *buffer, ${message})`);
  const iprobe = func('int MPI_Iprobe(int source, int tag, uintptr_t comm, void *flag, void *status)');
  const returnErrors = func('int MPI_Comm_set_errhandler(uintptr_t comm, uintptr_t handler)');
  const flag = new Int32Array(1);
  const status = new DataView(new ArrayBuffer(STATUS_BYTES));
  return {
    world: address('ompi_mpi_comm_world'),
    types: { float: address('ompi_mpi_float'), double: address('ompi_mpi_double'), byte },
    ops: { sum: address('ompi_mpi_op_sum'), max: address('ompi_mpi_op_max') },
    init: () => init(null, null),
    finalize: func('int MPI_Finalize()'),
    abort: func('int MPI_Abort(uintptr_t comm, int code)'),
    rank: func('int MPI_Comm_rank(uintptr_t comm, void *rank)'),
    size: func('int MPI_Comm_size(uintptr_t comm, void *size)'),
    test: (request, flag) => test(request, flag, STATUS_IGNORE),
    iallreduce: (...args) => iallreduce(IN_PLACE, ...args),
    ireduceScatter: (...args) => ireduceScatter(IN_PLACE, ...args),
    iallgatherv: (buffer, counts, starts, type, comm, request) =>
      iallgatherv(IN_PLACE, 0, type, buffer, counts, starts, type, comm, request),
    ialltoallv: (send, sendCounts, sendStarts, receive, receiveCounts, receiveStarts, type, comm, request) =>
      ialltoallv(send, sendCounts, sendStarts, type, receive, receiveCounts, receiveStarts, type, comm, request),
    ibcast: func('int MPI_Ibcast(void *buffer, int count, uintptr_t type, int root, uintptr_t comm, void *request)'),
    ibarrier: func('int MPI_Ibarrier(uintptr_t comm, void *request)'),
    returnErrors: (comm) => returnErrors(comm, address('ompi_mpi_errors_return')),
    isend: (bytes, to, tag, comm, request) => isend(bytes, bytes.length, byte, to, tag, comm, request),
    irecv: (bytes, from, tag, comm, request) => irecv(bytes, bytes.length, byte, from, tag, comm, request),
    iprobe(tag, comm) {
      if (iprobe(ANY_SOURCE, tag, comm, flag, status) !== 0 || flag[0] !== 1) return null;
      return { from: status.getInt32(0, true), bytes: Number(status.getBigUint64(16, true)) };
    },
  };
}

function oneLine(error: Error): string {
  return error.message
    .trim()
    .replace(/\s*\n[\s\S]*/, '')
    .replace(/\.$/, '');
}
