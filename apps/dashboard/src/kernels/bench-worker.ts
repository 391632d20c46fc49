import { benchEnvironment, benchPresets, deviceTraits, runBench, tuningDatabase } from '@modajs/bench';
import { type Device, init } from '@modajs/tensor';
import { answerRequests } from './answer-requests.ts';
import type { BenchReply, BenchRequest, BenchSettings } from './bench-messages.ts';
import { browserName } from './browser-name.ts';

const scope = self as unknown as {
  postMessage(message: BenchReply): void;
  onmessage: ((event: MessageEvent<BenchRequest>) => void) | null;
};
const reply = (message: BenchReply): void => scope.postMessage(message);

/** Shapes that peers compute when all is tiny: enough to see that they do. */
const SMOKE_SHAPES = 2;

let stop = new AbortController();

async function start(settings: BenchSettings): Promise<void> {
  stop = new AbortController();
  const tuning = settings.isTuned ? { tuning: await tuningDatabase(indexedDB).load() } : {};
  const device = await init({ device: settings.device, ...tuning });
  try {
    await measure(device, settings);
  } finally {
    device.destroy();
  }
}

async function measure(device: Device, { preset, scale, peers }: BenchSettings): Promise<void> {
  const { signal } = stop;
  const traits = deviceTraits(device);
  const jobs = benchPresets[preset](traits, scale);
  const environment = benchEnvironment(device, { robustness: 'on', runtime: browserName() });
  reply({ kind: 'ready', device: device.toString(), environment, planned: jobs.map(({ id, name }) => ({ id, name })) });
  const rows = runBench(jobs, device, {
    scale,
    signal,
    onProgress: (event) => {
      if (event.kind === 'ceilings') reply({ kind: 'measuring', what: 'the limits of this machine' });
      if (event.kind === 'measured-ceilings') reply({ kind: 'ceilings', ceilings: event.ceilings });
      if (event.kind === 'job') reply({ kind: 'measuring', what: event.job.name });
    },
  });
  for await (const row of rows) {
    reply({ kind: 'row', row });
    // The WebAssembly device computes without letting messages in: a request to cancel is heard here.
    await new Promise((resolve) => setTimeout(resolve));
  }
  if (peers.length > 0 && !signal.aborted) {
    const { measurePeers, peerJobs } = await import('./peers/measure-peers.ts');
    const shapes = peerJobs(jobs).slice(0, scale === 'smoke' ? SMOKE_SHAPES : undefined);
    await measurePeers(peers, shapes, traits.kind, { signal, reply });
  }
  reply({ kind: 'finished', cancelled: signal.aborted });
}

answerRequests(scope, reply, start, () => stop.abort());
