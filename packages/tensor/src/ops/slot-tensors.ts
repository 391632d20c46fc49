import type { DepthSegment } from '../backends/attention-arguments.ts';
import { type GradNode, isRecording, makeNode } from '../core/autograd.ts';
import { withoutScope } from '../core/scope.ts';
import { allocateTensor, type Tensor } from '../core/tensor.ts';
import type { DepthReading } from './attention.ts';
import { checkOperands, floatOnly, rankIs, sameDType, shapeIs } from './checks.ts';
import { contiguous } from './views.ts';

/** A reading of slots that are tensors; `release` it after the attention that reads it. */
export interface SlotTensors extends DepthReading {
  /** Gives up the reading's own hold on the graph. */
  readonly release: () => void;
}

/**
 * Depth slots from tensors of the graph instead of an arena: attention reads them in place, gradients flow to k and v. For
 * streams whose slots differ from layer to layer.
 *
 * @param k `[S, B, T, Hkv, D]`
 * @param v `[S, B, T, Hkv, Dv]`
 * @throws ShapeError | DTypeError | DeviceError
 */
export function slotTensors(k: Tensor, v: Tensor): SlotTensors {
  checkOperands('slotTensors', { k, v });
  floatOnly('slotTensors', k, v);
  sameDType('slotTensors', k, v);
  rankIs('slotTensors', 'k', k, '[S, B, T, Hkv, D]');
  rankIs('slotTensors', 'v', v, '[S, B, T, Hkv, Dv]');
  shapeIs('slotTensors', 'v', v.shape, [...k.shape.slice(0, 4), v.shape[4]], '[S, B, T, Hkv, Dv]');
  const slots = [contiguous(k), contiguous(v)];
  let gradients: Tensor[] | null = null;
  // The tensors themselves may be gone when backward runs; the node keeps their memory.
  const { dtype, device } = k;
  const shapes = slots.map(({ shape }) => shape);
  const open = (): Tensor[] =>
    withoutScope(() =>
      shapes.map((shape) => {
        const gradient = allocateTensor(device, shape, 'f32');
        device.backend.fill(gradient.view, 0);
        return gradient;
      }),
    );
  const node =
    isRecording() && (k.node || v.node)
      ? makeNode({
          inputs: slots,
          saved: slots,
          backward: () => {
            const found = gradients ?? [];
            gradients = null;
            return found.map((gradient) => {
              const out = allocateTensor(device, gradient.shape, dtype);
              device.backend.copy(gradient.view, out.view);
              gradient.dispose();
              return out;
            });
          },
          alwaysRuns: true,
        })
      : null;
  return reading(slots, node, () => {
    gradients ??= open();
    return [{ k: gradients[0].view, v: gradients[1].view }];
  });
}

function reading(
  [k, v]: readonly Tensor[],
  node: GradNode | null,
  gradients: () => readonly DepthSegment[],
): SlotTensors {
  return {
    device: k.device,
    S: k.shape[0],
    Td: k.shape[2],
    get segments() {
      return [{ k: k.view, v: v.view }];
    },
    // One reader each: there is nothing to gather later.
    gradients: node && { segments: gradients, reserve: () => null, store: () => null },
    writers: node ? [node] : [],
    keepFor: (reader) => withoutScope(() => [k, v].forEach((slot) => reader.hold(slot.alias()))),
    release: () => node?.release(),
  };
}
