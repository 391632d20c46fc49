"""Writes ggml-blocks.json: random blocks of every storage type with the f32 numbers that ggml's own C code makes of
them, and blocks that it makes of numbers.

python3 ggml-blocks.py LIBRARY [BLOCKS] > ggml-blocks.json, where LIBRARY is libggml-base.so of the npm package
@node-llama-cpp/linux-x64 (3.22.1 made the file in the repository, with 2 blocks of each type).
"""

import base64
import ctypes
import json
import random
import sys

ToFloat = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)


class Traits(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p),
        ("block_size", ctypes.c_int64),
        ("interleave", ctypes.c_int64),
        ("block_bytes", ctypes.c_size_t),
        ("is_quantized", ctypes.c_bool),
        ("to_float", ToFloat),
        ("from_float", ToFloat),
    ]


TYPES = {
    "F16": 1, "Q4_0": 2, "Q4_1": 3, "Q5_0": 6, "Q5_1": 7, "Q8_0": 8,
    "Q2_K": 10, "Q3_K": 11, "Q4_K": 12, "Q5_K": 13, "Q6_K": 14, "BF16": 30,
}  # fmt: skip


def main(library: str, count: int) -> None:
    ggml = ctypes.CDLL(library)
    ggml.ggml_get_type_traits.restype = ctypes.POINTER(Traits)
    rng = random.Random(20)
    out = {}
    for name, code in TYPES.items():
        traits = ggml.ggml_get_type_traits(code).contents
        blocks = count * (32 if traits.block_size == 1 else 1)
        data = rng.randbytes(blocks * traits.block_bytes)
        numbers = ctypes.create_string_buffer(4 * blocks * traits.block_size)
        source = ctypes.create_string_buffer(data, len(data))
        traits.to_float(ctypes.addressof(source), ctypes.addressof(numbers), blocks * traits.block_size)
        out[name] = {
            "code": code,
            "blocks": base64.b64encode(data).decode(),
            "numbers": base64.b64encode(numbers.raw).decode(),
        }
    # What ggml makes of numbers: the first block is of zeros, the last has ties.
    numbers = [0.0] * 32 + [rng.gauss(0, 1) for _ in range(96)] + [127.0] + [i + 0.5 for i in range(-15, 16)]
    source = (ctypes.c_float * len(numbers))(*numbers)
    for name, size in (("F16", 2 * len(numbers)), ("Q8_0", 34 * len(numbers) // 32)):
        blocks = ctypes.create_string_buffer(size)
        traits = ggml.ggml_get_type_traits(8 if name == "Q8_0" else 1).contents
        traits.from_float(ctypes.addressof(source), ctypes.addressof(blocks), len(numbers))
        out[name]["made"] = base64.b64encode(blocks.raw).decode()
        out[name]["of"] = base64.b64encode(bytes(source)).decode()
    json.dump(out, sys.stdout, indent=2)
    sys.stdout.write("\n")


main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 2)
