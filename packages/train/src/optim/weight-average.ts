import { add, affine, assign, noGrad, type Tensor, tidy, withoutScope } from '@modajs/tensor';

/** Exponential moving average of a model's weights: `a <- decay a + (1 - decay) w`, in f32, in place. */
export class WeightAverage {
  readonly tensors: Readonly<Record<string, Tensor>>;

  /** Starts at the present weights. */
  constructor(
    private readonly params: Readonly<Record<string, Tensor>>,
    private readonly decay: number,
  ) {
    this.tensors = withoutScope(() =>
      noGrad(() =>
        Object.fromEntries(Object.entries(params).map(([name, parameter]) => [name, affine(parameter, 1, 0)])),
      ),
    );
  }

  /** Moves towards the present weights. */
  update(): void {
    noGrad(() =>
      tidy(() => {
        for (const [name, average] of Object.entries(this.tensors)) {
          assign(average, add(affine(average, this.decay, 0), affine(this.params[name], 1 - this.decay, 0)));
        }
      }),
    );
  }

  dispose(): void {
    for (const average of Object.values(this.tensors)) average.dispose();
  }
}
