import { mul, reshape, softcap, type Tensor } from '@modajs/tensor';
import type { AttentionProbe } from './attention-probe.ts';

/** Queries `[B, T, H, D]` by the key/value head they read: `[B, T, Hkv, G, D]`. */
export function groupHeads(q: Tensor, Hkv: number): Tensor {
  const [B, T, H, D] = q.shape;
  return reshape(q, [B, T, Hkv, H / Hkv, D]);
}

/** The factor of q . k that the layer used. */
export function softmaxScale({ config, q }: AttentionProbe): number {
  return config.softmaxScale ?? 1 / Math.sqrt(q.shape[3]);
}

/** Logits of the layer's softmax from products q . k: scaled, and capped where the layer caps them. */
export function logitsOf(products: Tensor, probe: AttentionProbe): Tensor {
  const { logitSoftcap = null } = probe.config;
  const scaled = mul(products, softmaxScale(probe));
  return logitSoftcap === null ? scaled : softcap(scaled, logitSoftcap);
}
