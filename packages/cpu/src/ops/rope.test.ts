import { describe, it } from 'vitest';
import { expectAccurate, onEveryThreadCount, place, room, take, wave } from '../../test/test-runtime.ts';
import { exact, type Round, ropeReference, toF32 } from '../reference/index.ts';
import { rope } from './rope.ts';

describe('rope', () => {
  for (const { D, rotaryDim } of [
    { D: 8, rotaryDim: 8 },
    { D: 14, rotaryDim: 10 },
    { D: 64, rotaryDim: 64 },
  ]) {
    for (const interleaved of [false, true]) {
      it(`equals f64 and its inverse undoes it [D=${D} rotaryDim=${rotaryDim} interleaved=${interleaved}] [cpu]`, async () => {
        const [B, T, H] = [2, 19, 3];
        const x = wave(B * T * H * D);
        const positions = Float64Array.from({ length: B * T }, (_, i) => i * 13);
        const options = { theta: 10000, rotaryDim, interleaved, inverse: false };
        const [out, back] = await onEveryThreadCount((runtime) => {
          const places = place(runtime, positions, [B, T], 'i32');
          const [rotated, undone] = [room(runtime, [B, T, H, D]), room(runtime, [B, T, H, D])];
          rope(runtime, place(runtime, x, [B, T, H, D]), places, rotated, options);
          rope(runtime, rotated, places, undone, { ...options, inverse: true });
          return [take(runtime, rotated), take(runtime, undone)];
        });
        const reference = (round: Round) => ropeReference(x, positions, { ...options, H, D }, round);
        expectAccurate(out, reference(exact), reference(toF32));
        expectAccurate(back, x, x);
      });
    }
  }
});
