import {
  affine,
  gelu,
  geluErf,
  mul,
  relu,
  sigmoid,
  silu,
  square,
  swiglu,
  type Tensor,
  tanh,
  unknownName,
} from '@modajs/tensor';
import type { Activation } from '../config/block-config.ts';

/** Whether an FFN of this activation has a gate beside its input. */
export function isGated(activation: Activation): boolean {
  switch (activation) {
    case 'swiglu':
    case 'geglu':
    case 'geglu-erf':
    case 'reglu':
      return true;
    case 'gelu':
    case 'gelu-erf':
    case 'gelu-sigmoid':
    case 'relu':
    case 'relu2':
    case 'silu':
    case 'tanh':
    case 'sigmoid':
      return false;
    default:
      return unknownName('activation', activation);
  }
}

/** The FFN's inner row from `up` and, for gated activations, `gate`, which others do not ask for. */
export function activate(activation: Activation, gate: () => Tensor, up: Tensor): Tensor {
  switch (activation) {
    case 'swiglu':
      return swiglu(gate(), up);
    case 'geglu':
      return mul(gelu(gate()), up);
    case 'geglu-erf':
      return mul(geluErf(gate()), up);
    case 'reglu':
      return mul(relu(gate()), up);
    case 'gelu':
      return gelu(up);
    case 'gelu-erf':
      return geluErf(up);
    case 'gelu-sigmoid':
      return mul(up, sigmoid(affine(up, 1.702, 0)));
    case 'relu':
      return relu(up);
    case 'relu2':
      return square(relu(up));
    case 'silu':
      return silu(up);
    case 'tanh':
      return tanh(up);
    case 'sigmoid':
      return sigmoid(up);
    default:
      return unknownName('activation', activation);
  }
}
