import { describe, expect, it } from 'vitest';
import { type AdapterTuning, keptText, tunedObstacle, tuneObstacle } from './tuned-choice.ts';

const table = { matmul: { few: { kind: 'naive' } }, attention: {} } as const;
const adapter = (more: Partial<Extract<AdapterTuning, { kind: 'adapter' }>> = {}): AdapterTuning => ({
  kind: 'adapter',
  key: 'a card',
  isSoftware: false,
  table,
  error: null,
  ...more,
});
const none: AdapterTuning = { kind: 'none', because: 'this browser has no WebGPU' };

describe('tunedObstacle', () => {
  it('is none with a table on WebGPU, and on the automatic device where that is WebGPU', () => {
    expect(tunedObstacle(adapter(), 'webgpu')).toBeNull();
    expect(tunedObstacle(adapter(), 'auto')).toBeNull();
    expect(tunedObstacle(adapter({ isSoftware: true }), 'webgpu')).toBeNull();
  });

  it.each([
    ['without WebGPU', none, 'auto', 'and this browser has no WebGPU.'],
    ['before a table', adapter({ table: null }), 'webgpu', 'No tuned kernels for this adapter yet'],
    ['with an empty table', adapter({ table: { matmul: {}, attention: {} } }), 'webgpu', 'nothing was faster'],
    ['with a damaged table', adapter({ table: null, error: 'it is torn.' }), 'webgpu', 'cannot be read: it is torn.'],
    ['on WebAssembly', adapter(), 'cpu', 'choose WebGPU'],
    ['where automatic is WebAssembly', adapter({ isSoftware: true }), 'auto', 'Automatic is WebAssembly'],
  ] as const)('is a sentence %s', (_name, tuning, device, sentence) => {
    expect(tunedObstacle(tuning, device)).toContain(sentence);
  });
});

describe('tuneObstacle', () => {
  it('is none on any adapter', () => {
    expect(tuneObstacle(adapter({ table: null, isSoftware: true }))).toBeNull();
    expect(tuneObstacle(none)).toBe('Kernels are tuned on WebGPU, and this browser has no WebGPU.');
  });
});

describe('keptText', () => {
  it('counts the classes of a table', () => {
    expect(keptText(adapter())).toBe('Tuned kernels for 1 class of shapes are kept in this browser.');
    expect(keptText(adapter({ table: null }))).toBeNull();
    expect(keptText(none)).toBeNull();
  });
});
