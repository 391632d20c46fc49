import { CONTROL_FAILED } from '../abi/control.ts';

/**
 * The whole program of a worker, as text: bundlers need no second entry point. It takes one message
 * `{ module, memory, control, scratch }` and then lives inside `work` until it is stopped.
 */
export const WORKER_SOURCE = `
const start = ({ module, memory, control, scratch }) => {
  const { exports } = new WebAssembly.Instance(module, { env: { memory, abort() { throw new Error('abort'); } } });
  exports.useScratch(scratch);
  try {
    exports.work(control);
  } catch (error) {
    Atomics.store(new Int32Array(memory.buffer), (control + ${CONTROL_FAILED}) >> 2, 1);
    console.error('cpu: a kernel stopped on a worker:', error);
  }
};
if (typeof require === 'function') require('node:worker_threads').parentPort.once('message', start);
else self.onmessage = (event) => start(event.data);
`;
