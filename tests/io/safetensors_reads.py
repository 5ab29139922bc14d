#!/usr/bin/env python3
"""What safetensors_tool writes follows the rules of the format, read here by plain Python and numpy; what Python
writes by the rules, the tool reads. usage: safetensors_reads.py TOOL"""
import json
import pathlib
import struct
import subprocess
import sys
import tempfile

try:
    import numpy
except ImportError:
    print("numpy is not installed")
    sys.exit(77)

TYPES = {"F32": "<f4", "F64": "<f8"}


def pairs(items):
    assert len({key for key, _ in items}) == len(items), "a key comes twice"
    return dict(items)


def read(path):
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    assert data[8:9] == b"{" and (8 + length) % 8 == 0
    header = json.loads(data[8 : 8 + length].decode("utf-8"), object_pairs_hook=pairs)
    metadata = header.pop("__metadata__", {})
    assert all(isinstance(value, str) for value in metadata.values())
    body, arrays, covered = data[8 + length :], {}, 0
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        begin, end = entry["data_offsets"]
        dtype = numpy.dtype(TYPES[entry["dtype"]])
        assert begin == covered and begin % dtype.itemsize == 0
        arrays[name] = numpy.frombuffer(body[begin:end], dtype).reshape(entry["shape"])
        covered = end
    assert covered == len(body)
    return arrays, metadata


def write(path, arrays, metadata):
    header, body = {"__metadata__": metadata}, b""
    for name, array in arrays.items():
        kind = {4: "F32", 8: "F64"}[array.dtype.itemsize]
        header[name] = {"dtype": kind, "shape": array.shape, "data_offsets": [len(body), len(body) + array.nbytes]}
        body += array.tobytes()
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)


tool = sys.argv[1]
with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder) / "a.safetensors"
    subprocess.run([tool, "write", path], check=True)
    arrays, metadata = read(path)
    assert metadata["kind"] == 'a "test"\n' and len(metadata["xxh3"]) == 16
    assert set(arrays) == {"weights.0", 'é "quoted"', "none", "one"}
    assert numpy.array_equal(arrays["weights.0"], numpy.linspace(0, 1, 6).astype("f4").reshape(2, 3))
    assert numpy.allclose(arrays['é "quoted"'], numpy.linspace(-1, 1, 24).reshape(2, 3, 4), rtol=0, atol=1e-15)
    assert arrays["none"].shape == (0, 5) and arrays["one"] == numpy.float32(0.1) and arrays["one"].shape == ()

    write(path, {"b": numpy.array([1.5, -2], "f4"), "a": numpy.array([[0.1], [1e300]])}, {"format": "pt"})
    told = subprocess.run([tool, "read", path], check=True, capture_output=True, text=True).stdout
    assert told == "format=pt\nb f32 (2) 1.5 -2\na f64 (2,1) 0.1 1e+300\n", told
