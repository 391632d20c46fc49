import type { Collective } from '../collective.ts';
import { type BucketEntry, entriesOf, type ParameterBucket } from '../parameter-buckets.ts';
import { copyToDevice, copyToHost, type StagedTensor } from '../tensor-staging.ts';
import type { GradientExchange, HostTensor } from './gradient-exchange.ts';

/** Gradients in f32 (f64 on `reference`): the sums are exact but for the order of additions. */
export class PlainExchange implements GradientExchange {
  readonly phases: readonly (() => Promise<void>)[];

  /** @param sharded each rank receives the sums of its own segment only */
  constructor(
    private readonly collective: Collective,
    private readonly bucket: ParameterBucket,
    private readonly sharded: boolean,
  ) {
    const { buffer, counts } = bucket;
    this.phases = [() => (sharded ? collective.reduceScatter(buffer, counts) : collective.allReduce(buffer))];
  }

  get bytes(): number {
    return this.bucket.buffer.byteLength;
  }

  read(): Promise<void> | null {
    const { entries, buffer } = this.bucket;
    for (const { parameter, start } of entries) {
      if (parameter.grad === null) buffer.fill(0, start, start + parameter.size);
    }
    return copyToHost(gradientsOf(entries), buffer);
  }

  write(): void {
    const { bucket, collective } = this;
    const entries = this.sharded ? entriesOf(bucket, collective.rank) : bucket.entries;
    copyToDevice(gradientsOf(entries), bucket.buffer);
  }

  scaleResiduals(): void {}

  forget(): void {}

  async residuals(): Promise<Readonly<Record<string, HostTensor>>> {
    return {};
  }

  restoreResiduals(): void {}

  dispose(): void {}
}

/** Gradients of the parameters that have one. */
function gradientsOf(entries: readonly BucketEntry[]): StagedTensor[] {
  return entries.flatMap(({ parameter: { grad }, start }) => (grad === null ? [] : [{ tensor: grad, start }]));
}
