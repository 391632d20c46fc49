import { parentPort, workerData } from 'node:worker_threads';
import { Tokenizer } from '../tokenizer.ts';
import { type EncodeSetup, encodeTexts } from './encode-task.ts';

/** One thread of `EncodePool`: a message is a batch of texts, the answer its tokens or why there are none. */
const setup = workerData as EncodeSetup;
const tokenizer = Tokenizer.fromJson(setup.tokenizerJson);

parentPort?.on('message', (texts: readonly string[]) => {
  try {
    const encoded = encodeTexts(tokenizer, texts, setup);
    parentPort?.postMessage({ encoded }, [encoded.tokens.buffer as ArrayBuffer, encoded.counts.buffer as ArrayBuffer]);
  } catch (error) {
    parentPort?.postMessage({ error });
  }
});
