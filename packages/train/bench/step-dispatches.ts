/**
 * Lists what one block of a training step asks of an H100: the dispatches of a model with one block more, less those of the
 * model itself, for MoDA beside its baseline, with the bytes of the operators' operands. Of a model without depth, lists the
 * whole step; with `--depth`, the whole step of a model with that mechanism beside one without. Runs on an invented device, anywhere.
 *
 * pnpm --filter @modajs/train bench:dispatches [--model small | distilgpt2-shape] [--blocks 4] [--all] [--depth '{"kind":"mudd"}']
 */
import { parseArgs } from 'node:util';
import type { DecoderConfig, DepthInput } from '@modajs/models';
import { type ListedDispatch, listDispatches } from './list-dispatches.ts';
import { STEP_MODELS, stepModel } from './step-models.ts';

const { values } = parseArgs({
  options: {
    model: { type: 'string' },
    /** Blocks of the smaller of two models; 4. A model without depth has its own number. */
    blocks: { type: 'string' },
    /** Also what both have. */
    all: { type: 'boolean', default: false },
    /** A depth mechanism in place of the model's own, as in a config: JSON. */
    depth: { type: 'string' },
  },
});

/** A kind of dispatch: how often a block has it, and what it moves in all. */
interface Row {
  readonly name: string;
  count: number;
  bytes: number;
}

/** Arenas are as long as the model has blocks, readers see as many slots: those extents are no part of a kind. */
function nameOf({ pass, label, call }: ListedDispatch): string {
  const shapes = /^(attention|kernels )/.test(call) ? call.split(' ')[0] : call;
  return `${pass.padEnd(8)} ${label} | ${shapes}`;
}

function rowsOf(listed: readonly ListedDispatch[], sign: 1 | -1, rows: Map<string, Row>): void {
  for (const dispatch of listed) {
    const name = nameOf(dispatch);
    const row = rows.get(name) ?? { name, count: 0, bytes: 0 };
    row.count += sign;
    row.bytes += sign * dispatch.bytes;
    rows.set(name, row);
  }
}

async function blockRows(name: string, part: 'moda' | 'baseline', blocks: number): Promise<Map<string, Row>> {
  const rows = new Map<string, Row>();
  for (const [nLayers, sign] of [
    [blocks, -1],
    [blocks + 1, 1],
  ] as const) {
    const model = stepModel(name, { nLayers });
    rowsOf(await listDispatches(model[part]!, model.B), sign, rows);
  }
  return rows;
}

const total = (rows: Map<string, Row>) =>
  [...rows.values()].reduce((sum, { count, bytes }) => ({ count: sum.count + count, bytes: sum.bytes + bytes }), {
    count: 0,
    bytes: 0,
  });
const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1).padStart(9);

/** Kernels of one step, the most frequent first, with what they are called for. */
async function printStep(name: string, config: DecoderConfig, B: number): Promise<void> {
  const rows = new Map<string, Row>();
  const listed = await listDispatches(config, B);
  rowsOf(listed, 1, rows);
  console.log(`\n${name}: a step of ${B} x ${config.seqLen}, ${config.depth.kind}\n    of       MB  dispatch`);
  for (const { name: key, count, bytes } of [...rows.values()].sort((a, b) => b.count - a.count)) {
    console.log(`${`${count}`.padStart(6)}${megabytes(bytes)}  ${key}`);
  }
  const forward = listed.filter(({ pass }) => pass === 'forward').length;
  console.log(
    `${listed.length} dispatches (${forward} forward, ${listed.length - forward} backward), ${megabytes(total(rows).bytes).trim()} MB`,
  );
}

const blocks = Number(values.blocks ?? 4);
for (const name of values.model === undefined ? STEP_MODELS : [values.model]) {
  const depth: DepthInput | null = values.depth === undefined ? null : JSON.parse(values.depth);
  const whole = stepModel(name, { ...(values.blocks ? { nLayers: blocks } : {}), ...(depth ? { depth } : {}) });
  if (whole.moda === null || depth) {
    if (whole.moda) await printStep(name, whole.moda, whole.B);
    await printStep(name, whole.baseline, whole.B);
    continue;
  }
  const moda = await blockRows(name, 'moda', blocks);
  const baseline = await blockRows(name, 'baseline', blocks);
  console.log(`\n${name}: a block of MoDA beside one of its baseline\n  more   of       MB  dispatch`);
  for (const key of new Set([...moda.keys(), ...baseline.keys()])) {
    const own = moda.get(key) ?? { count: 0, bytes: 0 };
    const other = baseline.get(key) ?? { count: 0, bytes: 0 };
    if (own.count === 0 && other.count === 0) continue;
    if (!values.all && own.count === other.count && own.bytes === other.bytes) continue;
    const more = `${own.count - other.count}`.padStart(6);
    console.log(`${more} ${`${own.count}`.padStart(4)}${megabytes(own.bytes - other.bytes)}  ${key}`);
  }
  const [all, plain] = [total(moda), total(baseline)];
  console.log(
    `${all.count} dispatches against ${plain.count}, ${megabytes(all.bytes).trim()} MB against ${megabytes(plain.bytes).trim()} MB`,
  );
}
