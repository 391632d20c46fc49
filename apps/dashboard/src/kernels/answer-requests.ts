import { DeviceError } from '@modajs/tensor';
import type { MeasureReply, MeasureRequest } from './measure-messages.ts';

/** Starts and cancels a worker's measurement as the page asks, and tells what it fails of. */
export function answerRequests<Settings>(
  scope: { onmessage: ((event: MessageEvent<MeasureRequest<Settings>>) => void) | null },
  reply: (message: MeasureReply) => void,
  start: (settings: Settings) => Promise<void>,
  cancel: () => void,
): void {
  scope.onmessage = ({ data }) => {
    if (data.kind === 'cancel') return cancel();
    start(data.settings).catch((error: unknown) => {
      const message = error instanceof Error ? error.message : String(error);
      reply({ kind: error instanceof DeviceError ? 'lost' : 'error', message });
    });
  };
}
