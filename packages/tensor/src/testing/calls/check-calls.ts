import type { Device } from '../../core/device.ts';
import { DTYPE_NAMES } from '../../core/dtype.ts';
import { ModaError } from '../../core/errors.ts';
import { scope } from '../../core/scope.ts';
import { full, tensor } from '../../ops/creation.ts';
import { add } from '../../ops/elementwise.ts';
import { sum } from '../../ops/reductions.ts';
import { type Call, type CallTable, wrongCalls } from './call.ts';
import type { Place } from './kinds.ts';

/** `operation: what must hold, got <values>.`, with the cure after it or in it. */
const MESSAGE = /^[\w.[\]#: ]+: .*(must|needs?|got|there is|does not)/s;

/** Takes the message of a wrong call; `label` says what was wrong. */
export type OnRefused = (label: string, message: string) => void;

/**
 * Calls a function with right arguments and then with one wrong argument after the other.
 *
 * @returns what is wrong: a right call that failed; a wrong call that gave a result, a raw error or a message without the values,
 *   left memory behind or broke the device
 */
export async function faultsOf(call: Call, place: Place, onRefused: OnRefused = () => {}): Promise<string[]> {
  const ended = await settled(call, (here) => call.args.map((kind) => kind.good(here)), place);
  if (ended !== 'result') return [`right arguments: ${ended}`];
  const faults: string[] = [];
  for (const wrong of wrongCalls(call)) {
    // Such a tensor cannot be made on a device that does not store its dtype.
    if (DTYPE_NAMES.some((dtype) => wrong.label.endsWith(`an ${dtype} tensor`) && !place.device.supports(dtype)))
      continue;
    const fault = await refusal(call, wrong.args, place, (message) => onRefused(wrong.label, message));
    if (fault !== null) faults.push(`${wrong.label}: ${fault}`);
  }
  return faults;
}

/** Values of a module that no wrong argument can reach, with the reason. */
export type Exempt = Readonly<Record<string, string>>;

/**
 * What a module's table lacks or has too much: every function, and every method of every class, must be in the table or exempt with
 * a reason, and every error class a `ModaError`.
 */
export function gapsOf(module: Readonly<Record<string, unknown>>, table: CallTable, exempt: Exempt): string[] {
  const wanted = Object.entries(module).flatMap(([name, value]) => namesOf(name, value));
  const known = [...Object.keys(table), ...Object.keys(exempt)];
  return [
    ...wanted.filter((name) => !known.includes(name)).map((name) => `${name} has no calls`),
    ...known.filter((name) => !wanted.includes(name)).map((name) => `${name} is not exported`),
  ];
}

function namesOf(name: string, value: unknown): string[] {
  if (typeof value !== 'function') return [name];
  const { prototype } = value as { prototype?: object };
  if (prototype === undefined || !/^class\b/.test(Function.prototype.toString.call(value))) return [name];
  if (prototype instanceof Error) return prototype instanceof ModaError || value === ModaError ? [] : [name];
  return [name, ...[...methodsOf(prototype)].map((method) => `${name}.${method}`)];
}

/** Methods of a class and of those that it extends, by name. */
function methodsOf(prototype: object | null): Set<string> {
  if (prototype === null || prototype === Object.prototype) return new Set();
  const own = Object.entries(Object.getOwnPropertyDescriptors(prototype))
    .filter(([method, { value: body }]) => method !== 'constructor' && typeof body === 'function')
    .map(([method]) => method);
  return new Set([...methodsOf(Object.getPrototypeOf(prototype)), ...own]);
}

/** What is wrong with how a wrong call ended; null when it was refused as it must be and left no trace. */
async function refusal(
  call: Call,
  args: (place: Place) => unknown[],
  place: Place,
  onMessage: (message: string) => void,
): Promise<string | null> {
  const before = liveBytes(place);
  const ended = await settled(call, args, place, onMessage);
  if (ended !== 'refused') return ended;
  if (!(await isWell(place.device))) return 'the device is broken afterwards';
  const after = liveBytes(place);
  return after === before ? null : `${after - before} bytes are left`;
}

/** How a call ended, with all that it made disposed of. */
async function settled(
  call: Call,
  args: (place: Place) => unknown[],
  place: Place,
  onMessage: (message: string) => void = () => {},
): Promise<string> {
  using _ = scope();
  const made = args(place);
  try {
    await call.run(...made);
    await place.device.synchronize();
    return 'result';
  } catch (error) {
    if (!(error instanceof ModaError)) return `a raw error: ${error}`;
    onMessage(error.message);
    return MESSAGE.test(error.message) ? 'refused' : `a message of another form: ${error.message}`;
  }
}

const liveBytes = ({ device, other }: Place): number => device.memory().liveBytes + other.memory().liveBytes;

/** A small computation with a known result. */
async function isWell(device: Device): Promise<boolean> {
  using _ = scope();
  const total = sum(add(tensor([1, 2, 3], { device }), full([3], 0.5, { device })));
  return (await total.item()) === 7.5;
}
