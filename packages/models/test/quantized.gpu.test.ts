import { describeQuantizedDecoder } from './quantized.ts';

describeQuantizedDecoder('webgpu');
