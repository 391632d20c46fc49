import type { Device } from '@modajs/tensor';
import { trainBpe } from '@modajs/tokenizer';
import { PageRun } from '../src/training/page-run.ts';
import { sentences } from './sentences.ts';

/** A MoDA model of the Train page, trained some steps here: its files are what that page exports. */
export async function smallRun(device: Device, steps: number): Promise<PageRun> {
  const text = sentences(400);
  const run = new PageRun({
    variant: 'moda',
    size: 'small',
    text,
    tokenizer: trainBpe([text], { vocabSize: 300 }),
    steps,
    seed: 3,
    device,
    listener: () => {},
  });
  await run.run(new AbortController().signal);
  return run;
}
