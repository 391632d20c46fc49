// Train in ten lines with callbacks, keep the run in a folder, open it again and generate.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { init } from '@modajs/tensor';
import { earlyStop, trainModel } from '@modajs/train';
import { FolderStorage, openRun } from '@modajs/train/node';

const device = await init({ device: 'auto' });
const folder = await mkdtemp(join(tmpdir(), 'moda-run-'));

const trained = await trainModel({
  text: Array.from({ length: 200 }, (_, i) => `The ${['old', 'white', 'great'][i % 3]} whale swam.`).join(' '),
  model: { nLayers: 2, nHeads: 2, dModel: 32, seqLen: 32, depth: 'moda' },
  config: {
    training: { steps: 60, batchSize: 4 },
    optimizer: { lr: 1e-2 },
    schedule: { warmupSteps: 5 },
    tokenizer: { vocabSize: 280 },
    evaluation: { every: 20 },
  },
  storage: new FolderStorage(folder),
  onEvaluation: earlyStop({ patience: 2 }),
  onStep: ({ step, loss }) => void (step % 20 === 0 && console.log(`step ${step} loss ${loss.toFixed(3)}`)),
});
trained.dispose();

const run = await openRun(folder); // and in a page: openRun(files) or openRun('https://...')
let said = '';
for await (const piece of run.generate('The old', { maxNewTokens: 8, temperature: 0 })) said += piece;
console.log(`step ${run.step}, ${run.metrics.length} rows of metrics: The old${said}`);
run.dispose();
await rm(folder, { recursive: true });
device.destroy();
if (!said.startsWith(' whale')) throw new Error('the run must say what it was trained on');
