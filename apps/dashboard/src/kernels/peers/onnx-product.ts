/**
 * An ONNX model of one node, `out = MatMul(a, b)`, as bytes: a protobuf message small enough to be written by hand.
 *
 * Reference: onnx.proto of ONNX IR version 8; opset 13.
 */
export function onnxProduct({ M, N, K }: { M: number; N: number; K: number }): Uint8Array {
  const node = message([text(1, 'a'), text(1, 'b'), text(2, 'out'), text(4, 'MatMul')]);
  const graph = message([
    bytes(1, node),
    text(2, 'product'),
    bytes(11, valueInfo('a', [M, K])),
    bytes(11, valueInfo('b', [K, N])),
    bytes(12, valueInfo('out', [M, N])),
  ]);
  const opset = message([text(1, ''), number(2, 13)]);
  return Uint8Array.from(message([number(1, 8), bytes(7, graph), bytes(8, opset)]));
}

const FLOAT = 1;

/** `ValueInfoProto`: a name, and the type of an f32 tensor of a shape. */
function valueInfo(name: string, shape: readonly number[]): number[] {
  const dimensions = message(shape.map((extent) => bytes(1, number(1, extent))));
  const tensor = message([number(1, FLOAT), bytes(2, dimensions)]);
  return message([text(1, name), bytes(2, bytes(1, tensor))]);
}

const message = (fields: readonly (readonly number[])[]): number[] => fields.flat();

function bytes(field: number, content: readonly number[]): number[] {
  return [...varint((field << 3) | 2), ...varint(content.length), ...content];
}

const text = (field: number, value: string): number[] => bytes(field, [...new TextEncoder().encode(value)]);

const number = (field: number, value: number): number[] => [...varint(field << 3), ...varint(value)];

/** Seven bits a byte, the lowest first; the high bit says that more follow. */
function varint(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...varint(Math.floor(value / 128))];
}
