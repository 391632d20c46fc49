import {
  benchPresets,
  deviceJobTuneGroups,
  deviceTraits,
  deviceTuningKey,
  type TuneOutcome,
  tune,
  tuningDatabase,
  tuningOf,
} from '@modajs/bench';
import { type Device, init } from '@modajs/tensor';
import { answerRequests } from './answer-requests.ts';
import type { TuneReply, TuneRequest, TuneSettings } from './tune-messages.ts';

const scope = self as unknown as {
  postMessage(message: TuneReply): void;
  onmessage: ((event: MessageEvent<TuneRequest>) => void) | null;
};
const reply = (message: TuneReply): void => scope.postMessage(message);

/** Candidates of a class: a visitor waits minutes, not the hour of `moda tune`; software adapters compile each for seconds. */
const CANDIDATES = { paper: 12, fit: 12, smoke: 2 } as const;

const stop = new AbortController();

async function start(settings: TuneSettings): Promise<void> {
  const device = await init({ device: 'webgpu' });
  try {
    await search(device, settings);
  } finally {
    device.destroy();
  }
}

async function search(device: Device, { preset, scale }: TuneSettings): Promise<void> {
  const { signal } = stop;
  const jobs = benchPresets[preset](deviceTraits(device), scale);
  const groups = deviceJobTuneGroups(device, jobs, CANDIDATES[scale]);
  const candidates = groups.reduce((sum, group) => sum + group.jobs.length, 0);
  reply({ kind: 'ready', device: device.toString(), classes: groups.length, candidates });
  const database = tuningDatabase(indexedDB);
  const key = deviceTuningKey(device);
  const earlier = (await database.load().catch(() => null))?.[key];
  const outcomes: TuneOutcome[] = [];
  const found = tune(groups, device, {
    scale,
    signal,
    onProgress: (event) => {
      if (event.kind === 'job') reply({ kind: 'measuring', what: event.job.name });
    },
  });
  for await (const outcome of found) {
    outcomes.push(outcome);
    // After each class: a search that is stopped keeps what it found.
    await database.save(key, tuningOf(outcomes, earlier));
    reply({ kind: 'outcome', outcome });
  }
  reply({ kind: 'finished', cancelled: signal.aborted });
}

answerRequests(scope, reply, start, () => stop.abort());
