import type { DecoderConfig } from '../src/index.ts';

/** Parameters by name, in f64. */
export type Plain = ReadonlyMap<string, ArrayLike<number>>;

type Vector = number[];
/** One vector a position. */
type Rows = Vector[];

/** A key and the value behind it. */
interface Pair {
  readonly k: Vector;
  readonly v: Vector;
}

const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
};
const plus = (a: Vector, b: Vector): Vector => a.map((x, i) => x + b[i]);
const times = (a: Vector, factor: number): Vector => a.map((x) => x * factor);
const sumOf = (terms: Vector[]): Vector => terms.reduce(plus);
const mixed = (terms: Vector[], weights: Vector): Vector => sumOf(terms.map((term, j) => times(term, weights[j])));
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const gelu = (x: number): number => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
const softmax = (logits: Vector): Vector => {
  const most = Math.max(...logits);
  const weights = logits.map((x) => Math.exp(x - most));
  return times(weights, 1 / weights.reduce((a, b) => a + b, 0));
};

/**
 * The decoder of every depth mechanism by its published formula, one position at a time in plain f64 numbers: no tensors, no code of
 * the library. For pre-norm models of RMSNorm, RoPE, SwiGLU, QK-norm over all heads and tied embeddings, whose depth keys have their
 * writer's norm and RoPE.
 *
 * @returns hidden states after the final norm, `[T][C]`
 */
export function plainDecoder(config: DecoderConfig, parameters: Plain, ids: readonly number[]): number[][] {
  return new PlainDecoder(config, parameters).run(ids);
}

class PlainDecoder {
  /** Depth slots by position. */
  readonly #slots: Pair[][] = [];
  /** Values of the first layer; keys and values of all layers so far, by position and layer. */
  readonly #layers: Pair[][] = [];

  constructor(
    private readonly config: DecoderConfig,
    private readonly parameters: Plain,
  ) {}

  run(ids: readonly number[]): Rows {
    const { dModel, nLayers } = this.config;
    const table = this.#get('model.embed_tokens.weight');
    const x = ids.map((id) => Array.from({ length: dModel }, (_, c) => table[id * dModel + c]));
    for (const _ of ids) {
      this.#slots.push([]);
      this.#layers.push([]);
    }
    const path = paths[this.config.depth.kind](this, x);
    for (let layer = 0; layer < nLayers; layer++) {
      const inputs = path.attention(layer);
      path.add(layer, 'attention', this.#attention(layer, inputs));
      const before = path.ffn(layer);
      const norm = `model.layers.${layer}.post_attention_layernorm.weight`;
      path.add(
        layer,
        'ffn',
        this.#feedForward(
          layer,
          before.map((row) => this.norm(row, norm)),
        ),
      );
    }
    return path.finish().map((row) => this.norm(row, 'model.norm.weight'));
  }

  #get(name: string): ArrayLike<number> {
    const found = this.parameters.get(name);
    if (!found) throw new Error(`no parameter ${name}`);
    return found;
  }

  vector(name: string): Vector {
    return Array.from(this.#get(name));
  }

  get options(): DecoderConfig {
    return this.config;
  }

  norm(x: Vector, weight: string | null): Vector {
    const scale = 1 / Math.sqrt(dot(x, x) / x.length + this.config.normEps);
    const weights = weight === null ? null : this.#get(weight);
    return x.map((value, i) => value * scale * (weights ? weights[i] : 1));
  }

  /** `W x` for `W [outputs, inputs]`. */
  map(name: string, x: Vector): Vector {
    const weight = this.vector(name);
    return Array.from({ length: weight.length / x.length }, (_, o) =>
      dot(weight.slice(o * x.length, (o + 1) * x.length), x),
    );
  }

  #rotate(x: Vector, t: number): Vector {
    const { headDim: D, ropeTheta } = this.config;
    const half = D / 2;
    return x.map((value, i) => {
      const d = i % D;
      const angle = t * ropeTheta ** ((-2 * (d % half)) / D);
      const other = d < half ? -x[i + half] : x[i - half];
      return value * Math.cos(angle) + other * Math.sin(angle);
    });
  }

  /** Heads `[D]` of a vector. */
  heads(x: Vector): Vector[] {
    const { headDim: D } = this.config;
    return Array.from({ length: x.length / D }, (_, h) => x.slice(h * D, (h + 1) * D));
  }

  /** What query head `h` finds among pairs of all key/value heads. */
  look(q: Vector, h: number, pairs: readonly Pair[], Hq = this.config.nHeads): Vector {
    const { nKvHeads, headDim, attentionSoftcap: c } = this.config;
    const kv = Math.floor((h * nKvHeads) / Hq);
    const scores = pairs.map(({ k }) => dot(this.heads(q)[h], this.heads(k)[kv]) / Math.sqrt(headDim));
    const logits = c === null ? scores : scores.map((score) => c * Math.tanh(score / c));
    return mixed(
      pairs.map(({ v }) => this.heads(v)[kv]),
      softmax(logits),
    );
  }

  #attention(layer: number, inputs: { q: Rows; k: Rows; v: Rows; norms: [string, string, string] }): Rows {
    const { nHeads, nLayers, depth } = this.config;
    const name = `model.layers.${layer}.self_attn`;
    const [qn, kn, vn] = inputs.norms;
    const T = inputs.q.length;
    const x = inputs.q.map((row) => this.norm(row, qn));
    const queries = x.map((row, t) =>
      this.#rotate(this.norm(this.map(`${name}.q_proj.weight`, row), `${name}.q_norm.weight`), t),
    );
    const own = inputs.k.map((row, t): Pair => {
      const k = this.map(`${name}.k_proj.weight`, this.norm(row, kn));
      const v = this.map(`${name}.v_proj.weight`, this.norm(inputs.v[t], vn));
      const pair = { k: this.#rotate(this.norm(k, `${name}.k_norm.weight`), t), v };
      return { k: pair.k, v: this.#mixedValue(layer, t, queries[t], pair) };
    });
    const isModa = depth.kind === 'moda' || depth.kind === 'moda-chunk-visible';
    const out = Array.from({ length: T }, (_, t) => {
      const first = t - (t % (depth.kind === 'moda-chunk-visible' ? depth.chunk : 1));
      const slots = isModa ? this.#slots.slice(first, t + 1).flat() : [];
      const sequence = own.slice(0, t + 1);
      const gates = 'gate' in depth && depth.gate && layer > 0 ? this.vector(`model.layers.${layer}.depth.gate`) : null;
      const head = (_: unknown, h: number): Vector => {
        const all = this.look(queries[t], h, [...sequence, ...slots]);
        return gates ? mixed([this.look(queries[t], h, sequence), all], [1 - gates[h], gates[h]]) : all;
      };
      return this.map(`${name}.o_proj.weight`, Array.from({ length: nHeads }, head).flat());
    });
    if (isModa && layer < nLayers - 1) for (const [t, pair] of own.entries()) this.#slots[t].push(pair);
    return out;
  }

  /** The value that takes the place of the layer's own. */
  #mixedValue(layer: number, t: number, q: Vector, own: Pair): Vector {
    const { depth, nHeads, nKvHeads } = this.config;
    const earlier = this.#layers[t];
    earlier.push(own);
    if (depth.kind === 'value-residual' && layer > 0) {
      return mixed([earlier[0].v, own.v], this.vector(`model.layers.${layer}.depth.value_mix`));
    }
    if (depth.kind !== 'depth-value-mix') return own.v;
    const G = nHeads / nKvHeads;
    const heads = this.heads(q);
    const means = Array.from({ length: nKvHeads }, (_, kv) => times(sumOf(heads.slice(kv * G, (kv + 1) * G)), 1 / G));
    return means.flatMap((_mean, kv) => this.look(means.flat(), kv, earlier, nKvHeads));
  }

  #feedForward(layer: number, x: Rows): Rows {
    const { depth, nLayers, nKvHeads, headDim } = this.config;
    const name = `model.layers.${layer}`;
    if ('ffnProjection' in depth && depth.ffnProjection && layer < nLayers - 1) {
      for (const [t, row] of x.entries()) {
        const both = this.map(`${name}.depth.ffn_kv_proj.weight`, row);
        const width = nKvHeads * headDim;
        const k = this.#rotate(this.norm(both.slice(0, width), `${name}.self_attn.k_norm.weight`), t);
        this.#slots[t].push({ k, v: both.slice(width) });
      }
    }
    return x.map((row) => {
      const gate = this.map(`${name}.mlp.gate_proj.weight`, row);
      const up = this.map(`${name}.mlp.up_proj.weight`, row);
      return this.map(
        `${name}.mlp.down_proj.weight`,
        gate.map((g, i) => g * sigmoid(g) * up[i]),
      );
    });
  }
}

type Part = 'attention' | 'ffn';

/** A mechanism: what sub-layers read, and where their outputs go. */
interface Path {
  attention(layer: number): { q: Rows; k: Rows; v: Rows; norms: [string, string, string] };
  ffn(layer: number): Rows;
  add(layer: number, part: Part, y: Rows): void;
  finish(): Rows;
}

/** All three inputs from one stream, under the block's own norm. */
const one = (x: Rows, layer: number): ReturnType<Path['attention']> => {
  const norm = `model.layers.${layer}.input_layernorm.weight`;
  return { q: x, k: x, v: x, norms: [norm, norm, norm] };
};

/** The residual sum, which `before` may change ahead of a block and `after` behind it. */
function residual(
  x: Rows,
  {
    before = (rows) => rows,
    after = (rows) => rows,
  }: Partial<Record<'before' | 'after', (x: Rows, layer: number) => Rows>> = {},
): Path {
  return {
    attention: (layer) => {
      x = before(x, layer);
      return one(x, layer);
    },
    ffn: () => x,
    add: (layer, part, y) => {
      x = x.map((row, t) => plus(row, y[t]));
      if (part === 'ffn') x = after(x, layer);
    },
    finish: () => x,
  };
}

type MakePath = (model: PlainDecoder, x: Rows) => Path;

const attentionResidual: MakePath = (model, x) => {
  const { depth } = model.options;
  const blocks = depth.kind === 'attention-residual-block' ? depth.blocks : null;
  const sources = x.map((row) => [row]);
  let partial: Rows | null = null;
  const read = (name: string): Rows =>
    sources.map((own, t) => {
      const all = partial ? [...own, partial[t]] : own;
      return mixed(all, softmax(all.map((source) => dot(model.vector(name), model.norm(source, null)))));
    });
  return {
    attention: (layer) => one(read(`model.layers.${layer}.depth.attention_query`), layer),
    ffn: (layer) => read(`model.layers.${layer}.depth.ffn_query`),
    add: (layer, part, y) => {
      partial = partial ? partial.map((row, t) => plus(row, y[t])) : y;
      const isDone = blocks === null || (part === 'ffn' && (layer + 1) % blocks === 0);
      if (!isDone) return;
      for (const [t, row] of partial.entries()) sources[t].push(row);
      partial = null;
    },
    finish: () => read('model.depth.final_query'),
  };
};

/** Streams `[n]` of each position: read by some weights, kept by a matrix, written by others. */
interface Mixing {
  readonly read: Vector;
  readonly keep: Vector[];
  readonly write: Vector;
}

function streams(
  model: PlainDecoder,
  x: Rows,
  mixingOf: (streams: Vector[], layer: number, part: Part) => Mixing,
  last: (streams: Vector[]) => Vector,
): Path {
  const { depth } = model.options;
  const n = 'streams' in depth ? depth.streams : 1;
  let state = x.map((row) => Array.from({ length: n }, () => row));
  let mixings: Mixing[] = [];
  const read = (layer: number, part: Part): Rows => {
    mixings = state.map((own) => mixingOf(own, layer, part));
    return state.map((own, t) => mixed(own, mixings[t].read));
  };
  return {
    attention: (layer) => one(read(layer, 'attention'), layer),
    ffn: (layer) => read(layer, 'ffn'),
    add: (_layer, _part, y) => {
      state = state.map((own, t) =>
        mixings[t].keep.map((weights, i) => plus(mixed(own, weights), times(y[t], mixings[t].write[i]))),
      );
    },
    finish: () => state.map(last),
  };
}

const hyper: MakePath = (model, x) =>
  streams(
    model,
    x,
    (own, layer, part) => {
      const n = own.length;
      const get = (what: string): Vector => model.vector(`model.layers.${layer}.depth.${part}_hyper.${what}`);
      const [alpha, alphaProj, scale] = [get('alpha'), get('alpha_proj'), get('scale')];
      const [beta, betaProj] = [get('beta'), get('beta_proj')];
      const normal = own.map((row) => model.norm(row, null));
      const C = normal[0].length;
      const along = (row: Vector, projection: Vector, width: number, j: number): number =>
        dot(
          row,
          Array.from({ length: C }, (_, c) => projection[c * width + j]),
        );
      // A[i][j]: how much of stream i goes to column j; column 0 is read.
      const A = normal.map((row, i) =>
        Array.from(
          { length: n + 1 },
          (_, j) => alpha[i * (n + 1) + j] + scale[0] * Math.tanh(along(row, alphaProj, n + 1, j)),
        ),
      );
      return {
        read: A.map((row) => row[0]),
        keep: Array.from({ length: n }, (_, j) => A.map((row) => row[j + 1])),
        write: normal.map((row, i) => beta[i] + scale[1] * Math.tanh(along(row, betaProj, 1, 0))),
      };
    },
    sumOf,
  );

const manifold: MakePath = (model, x) =>
  streams(
    model,
    x,
    (own, layer, part) => {
      const n = own.length;
      const get = (what: string): Vector => model.vector(`model.layers.${layer}.depth.${part}_mhc.${what}`);
      const normal = model.norm(own.flat(), null);
      const logits = (what: string, width: number): Vector => {
        const [projection, scale, bias] = [get(`${what}_proj`), get(`${what}_scale`)[0], get(`${what}_bias`)];
        return Array.from(
          { length: width },
          (_, j) =>
            scale *
              dot(
                normal,
                Array.from({ length: normal.length }, (_c, c) => projection[c * width + j]),
              ) +
            bias[j],
        );
      };
      const flat = logits('res', n * n).map(Math.exp);
      let matrix = Array.from({ length: n }, (_, i) => flat.slice(i * n, (i + 1) * n));
      for (let step = 0; step < 20; step++) {
        matrix = matrix.map((row) => times(row, 1 / row.reduce((a, b) => a + b, 0)));
        const columns = sumOf(matrix);
        matrix = matrix.map((row) => row.map((value, j) => value / columns[j]));
      }
      return {
        read: logits('pre', n).map(sigmoid),
        keep: matrix,
        write: logits('post', n).map((value) => 2 * sigmoid(value)),
      };
    },
    (own) => times(sumOf(own), 1 / own.length),
  );

const depthAttention: MakePath = (model, x) => {
  const { nHeads, nKvHeads, headDim, nLayers } = model.options;
  const written: Pair[][] = x.map(() => []);
  return residual(x, {
    before: (rows, layer) =>
      layer === 0
        ? rows
        : rows.map((row, t) => {
            const q = model.map(`model.layers.${layer}.depth.q_proj.weight`, row);
            const found = Array.from({ length: nHeads }, (_, h) => model.look(q, h, written[t])).flat();
            return plus(row, model.map(`model.layers.${layer}.depth.o_proj.weight`, found));
          }),
    after: (rows, layer) => {
      if (layer === nLayers - 1) return rows;
      for (const [t, row] of rows.entries()) {
        const kv = model.map(`model.layers.${layer}.depth.kv_proj.weight`, row);
        written[t].push({ k: kv.slice(0, nKvHeads * headDim), v: kv.slice(nKvHeads * headDim) });
      }
      return rows;
    },
  });
};

const mudd: MakePath = (model, x) => {
  const sources = x.map((row) => [row]);
  let inputs: { q: Rows; k: Rows; v: Rows } | null = null;
  const path = residual(x, {
    after: (rows, layer) => {
      const name = `model.layers.${layer}.depth.mudd`;
      const streamsOf = rows.map((row, t) => {
        sources[t].push(row);
        const hidden = model.map(`${name}.in_proj.weight`, model.norm(row, null)).map(gelu);
        const weights = plus(model.map(`${name}.out_proj.weight`, hidden), model.vector(`${name}.weights`));
        const n = sources[t].length;
        return Array.from({ length: weights.length / n }, (_, c) =>
          mixed(sources[t], weights.slice(c * n, (c + 1) * n)),
        );
      });
      const stream = (c: number): Rows => streamsOf.map((own) => own[c]);
      inputs = streamsOf[0].length === 1 ? null : { q: stream(0), k: stream(1), v: stream(2) };
      return streamsOf.map((own) => own.at(-1)!);
    },
  });
  return {
    ...path,
    attention: (layer) => {
      if (!inputs) return path.attention(layer);
      const name = `model.layers.${layer}.depth.mudd`;
      const norm = `model.layers.${layer}.input_layernorm.weight`;
      return { ...inputs, norms: [norm, `${name}.key_norm.weight`, `${name}.value_norm.weight`] };
    },
  };
};

const denseformer: MakePath = (model, x) => {
  const outputs = x.map((row) => [row]);
  return residual(x, {
    after: (rows, layer) =>
      rows.map((row, t) => {
        outputs[t].push(row);
        return mixed(outputs[t], model.vector(`model.layers.${layer}.depth.average`));
      }),
  });
};

const dense: MakePath = (model, x) => {
  const outputs = x.map((row) => [row]);
  return residual(x, {
    before: (rows, layer) =>
      layer === 0 ? rows : outputs.map((own) => model.map(`model.layers.${layer}.depth.dense.weight`, own.flat())),
    after: (rows) => {
      for (const [t, row] of rows.entries()) outputs[t].push(row);
      return rows;
    },
  });
};

const laurel: MakePath = (model, x) => ({
  attention: (layer) => one(x, layer),
  ffn: () => x,
  add: (layer, part, y) => {
    const [a, b] = model.vector(`model.layers.${layer}.depth.${part}_laurel`);
    x = x.map((row, t) => plus(times(y[t], a), times(row, b)));
  },
  finish: () => x,
});

const plain: MakePath = (_model, x) => residual(x);

const paths: Readonly<Record<DecoderConfig['depth']['kind'], MakePath>> = {
  residual: plain,
  moda: plain,
  'moda-chunk-visible': plain,
  'value-residual': plain,
  'depth-value-mix': plain,
  dense,
  denseformer,
  'depth-attention': depthAttention,
  'attention-residual': attentionResidual,
  'attention-residual-block': attentionResidual,
  'hyper-connections': hyper,
  'manifold-hyper-connections': manifold,
  mudd,
  laurel,
};
