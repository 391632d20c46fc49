import {
  add,
  cast,
  type Device,
  exp,
  log,
  maximum,
  mul,
  reshape,
  ShapeError,
  sub,
  type Tensor,
  tidy,
  transpose,
  unsqueeze,
} from '@modajs/tensor';
import {
  checkedLater,
  checkOperands,
  checkOptions,
  dtypeIs,
  floatOnly,
  isOneDevice,
  rankIs,
  sameDType,
  shapeIs,
} from '@modajs/tensor/checks';
import type { AttentionResult } from './attention-options.ts';

/** One result's tensors, of one another's shape. @throws ConfigError | ShapeError | DTypeError | DeviceError */
function checkResult(name: string, result: AttentionResult): Device {
  checkOptions(`mergeAttention: ${name}`, result, { out: checkedLater, lse: checkedLater }, ['out', 'lse']);
  const { out, lse } = result;
  const device = checkOperands('mergeAttention', { [`${name}.out`]: out, [`${name}.lse`]: lse });
  floatOnly('mergeAttention', out);
  dtypeIs('mergeAttention', `${name}.lse`, lse, 'f32');
  rankIs('mergeAttention', `${name}.out`, out, '[B, T, H, Dv]');
  const [B, T, H] = out.shape;
  shapeIs('mergeAttention', `${name}.lse`, lse.shape, [B, H, T], '[B, H, T]');
  return device;
}

/**
 * Attention over the union of two key sets from attention over each:
 * `lse = log(exp a.lse + exp b.lse)`, `out = exp(a.lse - lse) a.out + exp(b.lse - lse) b.out`.
 * `moda(q, k, v, depth)` equals `mergeAttention(attention(q, k, v), depthAttention(q, depth))`. Differentiable.
 *
 * @param a out `[B, T, H, Dv]`, lse `[B, H, T]`; at least one of a and b must see a key at every query
 * @throws ShapeError when the two disagree
 */
export function mergeAttention(a: AttentionResult, b: AttentionResult): AttentionResult {
  const device = checkResult('a', a);
  isOneDevice('mergeAttention', device, checkResult('b', b));
  sameDType('mergeAttention', a.out, b.out);
  if (a.out.shape.join() !== b.out.shape.join()) {
    throw new ShapeError(
      `mergeAttention: both outputs must have one shape, got [${a.out.shape}] and [${b.out.shape}]. Use the same q for both.`,
      { a: a.out.shape, b: b.out.shape },
    );
  }
  return tidy(() => {
    const lse = logAddExp(a.lse, b.lse);
    return { out: add(weighted(a, lse), weighted(b, lse)), lse };
  });
}

/**
 * A result with one more key in every query's softmax, whose logit is learned and whose value is zero:
 * `lse = log(exp result.lse + exp sinks[h])`, `out = exp(result.lse - lse) result.out`. Differentiable in all three.
 *
 * @param sinks `[H]`
 * @throws ShapeError | DTypeError | DeviceError
 * Reference: OpenAI, "gpt-oss-120b & gpt-oss-20b Model Card", arXiv 2508.10925; Xiao et al., arXiv 2309.17453.
 */
export function mergeSinks(result: AttentionResult, sinks: Tensor): AttentionResult {
  const H = result.lse.shape[1];
  checkOperands('attention', { out: result.out, sinks });
  floatOnly('attention', sinks);
  shapeIs('attention', 'sinks', sinks.shape, [H], '[H]');
  return tidy(() => {
    const lse = logAddExp(result.lse, reshape(cast(sinks, 'f32'), [H, 1]));
    return { out: weighted(result, lse), lse };
  });
}

/** log(exp x + exp y) of which one is finite, `[B, H, T]` and what broadcasts to it. */
function logAddExp(x: Tensor, y: Tensor): Tensor {
  const largest = maximum(x, y).detach();
  return add(log(add(exp(sub(x, largest)), exp(sub(y, largest)))), largest);
}

/** What a part of all keys adds to the output over them. */
function weighted({ out, lse: part }: AttentionResult, lse: Tensor): Tensor {
  const weight = unsqueeze(transpose(exp(sub(part, lse))), 3); // [B, T, H, 1]
  return mul(out, cast(weight, out.dtype));
}
