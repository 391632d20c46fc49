import { type Device, DeviceError, init } from '@modajs/tensor';
import { type Tokenizer, trainBpe } from '@modajs/tokenizer';
import { PAGE_MODELS } from './page-models.ts';
import { PageRun } from './page-run.ts';
import {
  type PageDevice,
  type TrainingReply,
  type TrainingRequest,
  VARIANTS,
  type Variant,
} from './training-messages.ts';

const scope = self as unknown as {
  postMessage(message: TrainingReply, transfer?: Transferable[]): void;
  onmessage: ((event: MessageEvent<TrainingRequest>) => void) | null;
};
const reply = (message: TrainingReply): void => scope.postMessage(message);

type StartRequest = Extract<TrainingRequest, { kind: 'start' }>;

interface Session {
  readonly request: StartRequest;
  readonly tokenizer: Tokenizer;
  readonly device: Device;
  readonly runs: Readonly<Record<Variant, PageRun>>;
}

let session: Session | null = null;
let stop = new AbortController();
let isTraining = false;
let isLast = false;
let hush = new AbortController();

function requireSession(operation: string): Session {
  if (session === null) throw new Error(`${operation}: there is no model yet. Start a run first.`);
  return session;
}

async function openSession(request: StartRequest, tokenizer: Tokenizer, before: Session | null): Promise<Session> {
  const device = await init({ device: request.device });
  const open = (variant: Variant): PageRun =>
    new PageRun({
      ...request,
      variant,
      tokenizer,
      device,
      storage: before?.runs[variant].storage,
      listener: (event) => reply({ kind: 'event', variant, event }),
      onSample: (text) => reply({ kind: 'sample', variant, text }),
    });
  const runs = { moda: open('moda'), baseline: open('baseline') };
  const parameters = { moda: runs.moda.decoder.countParameters(), baseline: runs.baseline.decoder.countParameters() };
  reply({ kind: 'ready', device: device.toString(), parameters, vocabSize: tokenizer.vocabSize });
  return { request, tokenizer, device, runs };
}

/** Both models train in turns on one device: each gives way after every few milliseconds of work. */
async function train(): Promise<void> {
  const { runs } = requireSession('training');
  stop = new AbortController();
  const { signal } = stop;
  [isTraining, isLast] = [true, false];
  try {
    const summaries = await Promise.all(VARIANTS.map((variant) => runs[variant].run(signal)));
    const isPause = !isLast && summaries.some(({ interrupted }) => interrupted);
    reply({ kind: isPause ? 'paused' : 'finished' });
  } finally {
    isTraining = false;
  }
}

async function start(request: StartRequest): Promise<void> {
  session?.device.destroy();
  session = null;
  const tokenizer = trainBpe([request.text], { vocabSize: PAGE_MODELS[request.size].vocabSize });
  session = await openSession(request, tokenizer, null);
  await train();
}

async function recover(device: PageDevice): Promise<void> {
  const before = requireSession('training');
  before.device.destroy();
  session = await openSession({ ...before.request, device }, before.tokenizer, before);
  await train();
}

async function generate(request: Extract<TrainingRequest, { kind: 'generate' }>): Promise<void> {
  const { turn, variant, prompt, maxNewTokens, temperature } = request;
  const run = requireSession('generate').runs[variant];
  const { signal } = hush;
  for await (const piece of run.generate(prompt, { maxNewTokens, temperature, signal }))
    reply({ kind: 'text', turn, variant, piece, isLast: false });
  reply({ kind: 'text', turn, variant, piece: '', isLast: true });
}

async function handle(request: TrainingRequest): Promise<void> {
  switch (request.kind) {
    case 'start':
      return start(request);
    case 'resume':
      return train();
    case 'recover':
      return recover(request.device);
    case 'generate':
      return generate(request);
    case 'pause':
      return stop.abort();
    case 'stop':
      isLast = true;
      stop.abort();
      if (!isTraining) reply({ kind: 'finished' });
      return;
    case 'hush':
      hush.abort();
      hush = new AbortController();
      return;
    case 'export': {
      const { variant, purpose } = request;
      const zip = requireSession('export').runs[variant].zip();
      scope.postMessage({ kind: 'exported', variant, purpose, zip }, [zip.buffer]);
    }
  }
}

scope.onmessage = ({ data }) => {
  handle(data).catch((error: unknown) => {
    // One model's failure must not leave the other running.
    stop.abort();
    const message = error instanceof Error ? error.message : String(error);
    reply(error instanceof DeviceError && session !== null ? { kind: 'lost', message } : { kind: 'error', message });
  });
};
