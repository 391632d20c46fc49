import { get, type IncomingMessage } from 'node:http';

/** One server-sent event. */
export interface StreamEvent {
  readonly id: string;
  readonly data: { isWhole: boolean; changed: { run: string; bytes: number }[]; removed: string[] };
}

/** An open event stream whose events are taken one by one. */
export class EventStream {
  private readonly events: StreamEvent[] = [];
  private waiting: ((event: StreamEvent) => void) | null = null;
  private text = '';
  retry = '';

  private constructor(private readonly answer: IncomingMessage) {
    answer.setEncoding('utf8').on('data', (piece: string) => this.take(piece));
    answer.on('error', () => {});
  }

  static open(url: string, lastEventId?: string): Promise<EventStream> {
    const headers = lastEventId === undefined ? {} : { 'Last-Event-ID': lastEventId };
    return new Promise((resolve, reject) => {
      get(`${url}api/events`, { headers }, (answer) => resolve(new EventStream(answer))).on('error', reject);
    });
  }

  next(): Promise<StreamEvent> {
    const event = this.events.shift();
    return event ? Promise.resolve(event) : new Promise((resolve) => (this.waiting = resolve));
  }

  close(): void {
    this.answer.destroy();
  }

  private take(piece: string): void {
    const blocks = (this.text + piece).split('\n\n');
    this.text = blocks.pop()!;
    for (const block of blocks) {
      const fields = Object.fromEntries(block.split('\n').map((line) => line.split(/: (.*)/s) as [string, string]));
      if (fields.retry) this.retry = fields.retry;
      if (!fields.data) continue;
      const event = { id: fields.id, data: JSON.parse(fields.data) };
      if (this.waiting) this.waiting(event);
      else this.events.push(event);
      this.waiting = null;
    }
  }
}
