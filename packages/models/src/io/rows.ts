import type { HostParameter } from '../decoder/load-parameters.ts';

/** The transpose of a matrix `[R, C]`. */
export function transposed({ shape: [R, C], data }: HostParameter): HostParameter {
  const out = new Float32Array(R * C);
  for (let r = 0; r < R; r++) for (let c = 0; c < C; c++) out[c * R + r] = data[r * C + c];
  return { shape: [C, R], data: out };
}

/** Rows `start .. end - 1` of a matrix, or elements of a vector. */
export function rowsOf({ shape, data }: HostParameter, start: number, end: number): HostParameter {
  const width = shape.length === 2 ? shape[1] : 1;
  return { shape: [end - start, ...shape.slice(1)], data: data.slice(start * width, end * width) };
}

/** Matrices of one width, or vectors, below one another. */
export function stackedRows(parts: readonly HostParameter[]): HostParameter {
  const rows = parts.reduce((total, { shape }) => total + shape[0], 0);
  const data = new Float32Array(parts.reduce((total, part) => total + part.data.length, 0));
  let at = 0;
  for (const part of parts) {
    data.set(part.data, at);
    at += part.data.length;
  }
  return { shape: [rows, ...parts[0].shape.slice(1)], data };
}

/** Of a matrix or vector whose heads have D rows of each of `parts` parts, one part's rows. */
export function headRowsOf(x: HostParameter, D: number, parts: number, part: number): HostParameter {
  const heads = x.shape[0] / (D * parts);
  const pieces = Array.from({ length: heads }, (_, head) => {
    const start = (head * parts + part) * D;
    return rowsOf(x, start, start + D);
  });
  return stackedRows(pieces);
}

/** The inverse of `headRowsOf` for all parts. */
export function stackedHeadRows(parts: readonly HostParameter[], D: number): HostParameter {
  const heads = parts[0].shape[0] / D;
  const pieces = Array.from({ length: heads }, (_, head) =>
    parts.map((part) => rowsOf(part, head * D, (head + 1) * D)),
  );
  return stackedRows(pieces.flat());
}

/** Every value plus `offset`. */
export function raised({ shape, data }: HostParameter, offset: number): HostParameter {
  return { shape, data: Float32Array.from(data, (value) => value + offset) };
}

/** A parameter whose values are made when they are asked for. */
export function lazily(shape: readonly number[], make: () => HostParameter): HostParameter {
  return {
    shape,
    get data() {
      return make().data;
    },
  };
}

/**
 * Reorders the rows of a query or key projection between the two pairings of RoPE: `toInterleaved` moves component
 * `i + rotaryDim/2` of each head next to component i (Hugging Face to llama.cpp), the other direction undoes it.
 *
 * @param x a matrix, bias or norm weight whose rows are those of whole heads: a norm of each head (Qwen 3) has one head's
 * @param D rows of a head
 * @param rotaryDim leading rows of a head that turn
 */
export function rotaryRows(x: HostParameter, D: number, toInterleaved: boolean, rotaryDim = D): HostParameter {
  const width = x.shape.length === 2 ? x.shape[1] : 1;
  const heads = x.shape[0] / D;
  const half = rotaryDim / 2;
  const data = Float32Array.from(x.data);
  for (let head = 0; head < heads; head++) {
    for (let i = 0; i < rotaryDim; i++) {
      const split = head * D + Math.floor(i / 2) + (i % 2) * half;
      const interleaved = head * D + i;
      const [from, to] = toInterleaved ? [split, interleaved] : [interleaved, split];
      data.set(x.data.slice(from * width, (from + 1) * width), to * width);
    }
  }
  return { shape: x.shape, data };
}

/** Whether a parameter's rows are those of heads that RoPE turns: projections, biases and norms of queries and keys. */
export function isRotated(name: string): boolean {
  return /\.self_attn\.[qk]_(proj|norm)\./.test(name);
}
