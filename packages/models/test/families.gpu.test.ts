import { defineFamiliesOn } from './families-oracle.ts';

// A software adapter compiles its shaders anew for each shape: one case of each new field.
defineFamiliesOn('webgpu', [
  'llama, llama3',
  'llama, yarn',
  'llama, attention biases',
  'mistral, window',
  'qwen2',
  'smollm3',
  'gpt2, flags',
  'olmo3, yarn, tied',
  'granite',
  'phi3, part of a head, longrope',
  'gemma2',
  'gemma3, linear, layers, cap',
  'gpt_neox',
]);
