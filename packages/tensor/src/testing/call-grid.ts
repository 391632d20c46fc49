import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type InitOptions, init } from '../init.ts';
import type { CallTable } from './calls/call.ts';
import { faultsOf, type OnRefused } from './calls/check-calls.ts';
import type { Place } from './calls/kinds.ts';

/** Declares a test for each entry of a table of calls, on a device beside another of its kind. `onRefused` gets the messages. */
export function describeCalls(
  label: 'cpu' | 'reference' | 'webgpu',
  table: CallTable,
  options: InitOptions,
  onRefused: (name: string) => OnRefused = () => () => {},
): void {
  describe(`on ${label}`, () => {
    let place: Place;
    beforeAll(async () => {
      const other = await init(options);
      place = { other, device: await init(options) };
    });
    afterAll(() => {
      place.device.destroy();
      place.other.destroy();
    });

    for (const [name, call] of Object.entries(table)) {
      it(`${name} takes right arguments and refuses wrong ones [${label}]`, async () => {
        expect(await faultsOf(call, place, onRefused(name))).toEqual([]);
      });
    }
  });
}
