import { type Device, DeviceError, init } from '@modajs/tensor';
import { trainBpe } from '@modajs/tokenizer';
import { PageRun } from '../training/page-run.ts';
import type { AttentionReply, AttentionRequest } from './attention-messages.ts';
import { mapPrompt } from './map-prompt.ts';
import { type OpenedModel, openModel } from './open-model.ts';

const scope = self as unknown as {
  postMessage(message: AttentionReply): void;
  onmessage: ((event: MessageEvent<AttentionRequest>) => void) | null;
};

let device: Device | null = null;
let model: OpenedModel | null = null;

async function openDevice(): Promise<Device> {
  model?.decoder.dispose();
  model = null;
  device ??= await init({ device: 'auto' });
  return device;
}

function opened(name: string, found: OpenedModel): void {
  model = found;
  const { config, device: where } = found.decoder;
  const { depth, nLayers, nHeads } = config;
  const parameters = found.decoder.countParameters();
  scope.postMessage({
    kind: 'opened',
    model: { name, device: where.toString(), depth: depth.kind, nLayers, nHeads, parameters },
  });
}

/** Trains on the book and keeps the model; the run itself is the trainer's own. */
async function train({ text, steps }: Extract<AttentionRequest, { kind: 'train' }>): Promise<void> {
  const where = await openDevice();
  const tokenizer = trainBpe([text], { vocabSize: 384 });
  const run = new PageRun({
    variant: 'moda',
    size: 'small',
    text,
    tokenizer,
    steps,
    seed: 1,
    device: where,
    listener: (event) => {
      if (event.kind === 'step')
        scope.postMessage({ kind: 'progress', step: event.row.step, steps, loss: Number(event.row.loss) });
    },
  });
  await run.run(new AbortController().signal);
  opened(`trained here, ${steps} steps on Moby Dick`, { decoder: run.decoder, tokenizer });
}

async function handle(request: AttentionRequest): Promise<void> {
  if (request.kind === 'train') return train(request);
  if (request.kind === 'open') return opened(request.name, await openModel(request.files, await openDevice()));
  if (model === null) throw new Error('attention: there is no model yet. Open one first.');
  scope.postMessage({ kind: 'maps', maps: await mapPrompt(model.decoder, model.tokenizer, request.prompt) });
}

/** One request after the other: a prompt waits for the model before it. */
let queue: Promise<void> = Promise.resolve();
scope.onmessage = ({ data }) => {
  queue = queue
    .then(() => handle(data))
    .catch((error: unknown) => {
      const isLost = error instanceof DeviceError;
      if (isLost) [device, model] = [null, null];
      const message = error instanceof Error ? error.message : String(error);
      scope.postMessage({ kind: 'error', during: data.kind, message, isLost });
    });
};
