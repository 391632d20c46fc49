import { affine, ConfigError, shown, type Tensor } from '@modajs/tensor';
import { checkFields, checkOptions, type OptionChecks, positive, whole } from '@modajs/tensor/checks';

/** Plain data of a loss scale, saved with checkpoints. */
export interface LossScaleState {
  readonly scale: number;
  /** Finite steps since the scale last changed. */
  readonly cleanSteps: number;
  /** Steps whose gradients overflowed. */
  readonly skipped: number;
}

export interface LossScalerOptions {
  /** First scale; 65536 by default. */
  readonly initial?: number;
  /** Clean steps before the scale doubles; 2000 by default. */
  readonly growthInterval?: number;
}

const OPTIONS: OptionChecks<LossScalerOptions> = { initial: positive, growthInterval: whole(1) };
const LARGEST = 2 ** 24;

/**
 * Dynamic loss scaling for f16, as `torch.amp.GradScaler`: gradients are computed of the loss times a scale, so that small ones stay
 * above f16's smallest number. An overflow halves the scale (never below 1), `growthInterval` finite steps in a row double it,
 * up to 2^24. A pure function of the sequence of outcomes: the same run has the same scales.
 *
 * @example
 * backward(scaler.scale(loss));
 * const { norm, gradScale } = clipGradNorm(params, 1, 1 / scaler.value);
 * optimizer.step({ gradScale }); // changes nothing when a gradient overflowed
 * scaler.update(Number.isFinite(await norm.item()));
 */
export class LossScaler {
  #state: LossScaleState;
  readonly #growthInterval: number;

  /** @throws ConfigError for values outside their range */
  constructor(options: LossScalerOptions = {}) {
    checkOptions('lossScaler', options, OPTIONS);
    const { initial = 65536, growthInterval = 2000 } = options;
    this.#state = { scale: initial, cleanSteps: 0, skipped: 0 };
    this.#growthInterval = growthInterval;
  }

  /** What the loss is multiplied with. */
  get value(): number {
    return this.#state.scale;
  }

  /** For a checkpoint. */
  get state(): LossScaleState {
    return this.#state;
  }

  /** The loss times the scale, to run backward from. */
  scale(loss: Tensor): Tensor {
    return affine(loss, this.value, 0);
  }

  /**
   * What became of a step.
   *
   * @param wasFinite whether the norm of its gradients was
   * @throws ConfigError for what is neither true nor false
   */
  update(wasFinite: boolean): void {
    if (typeof wasFinite !== 'boolean') {
      throw new ConfigError(
        `lossScaler.update: wasFinite must be true or false, got ${shown(wasFinite)}. Pass Number.isFinite(await norm.item()).`,
      );
    }
    const { scale, skipped } = this.#state;
    if (!wasFinite) {
      this.#state = { scale: Math.max(1, scale / 2), cleanSteps: 0, skipped: skipped + 1 };
      return;
    }
    const cleanSteps = this.#state.cleanSteps + 1;
    if (cleanSteps < this.#growthInterval) this.#state = { scale, cleanSteps, skipped };
    else this.#state = { scale: Math.min(LARGEST, scale * 2), cleanSteps: 0, skipped };
  }

  /** Takes up what `state` gave. @throws ConfigError for what is none */
  loadState(state: LossScaleState): void {
    checkFields('lossScaler.loadState', 'state', state, { scale: positive, cleanSteps: whole(), skipped: whole() });
    const { scale, cleanSteps, skipped } = state;
    this.#state = { scale, cleanSteps, skipped };
  }
}
