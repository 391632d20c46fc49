/**
 * Dawn's Node binding learns that the device has finished by asking in every turn of the event loop, through `setImmediate`:
 * it keeps a whole core busy for as long as a software adapter compiles or computes on the others. Here a wait that is not
 * over at once asks every half a millisecond. A setup file of tests, and a module to `--import` into programs that they start.
 */
const IMMEDIATE_POLLS = 50;
const POLL_MS = 0.5;
const never = new Int32Array(new SharedArrayBuffer(4));
const { setImmediate } = globalThis;

/** What Dawn passes is a native function. So is a promise's `resolve`; it asks once, so it never waits. */
const isNative = (callback) => Function.prototype.toString.call(callback).endsWith('{ [native code] }');

/** Polls since the wait began; one asked for outside a poll begins a wait. */
let polls = 0;
let isPolling = false;

function poll(callback, args) {
  if (polls > IMMEDIATE_POLLS) Atomics.wait(never, 0, 0, POLL_MS);
  isPolling = true;
  try {
    callback(...args);
  } finally {
    isPolling = false;
  }
}

// The binding looks the function up anew for every poll.
globalThis.setImmediate = Object.assign((callback, ...args) => {
  if (!isNative(callback)) return setImmediate(callback, ...args);
  polls = isPolling ? polls + 1 : 0;
  return setImmediate(poll, callback, args);
}, setImmediate);
