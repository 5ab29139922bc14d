"""numpy and zipfile read the archives that write_npz writes. usage: numpy_reads.py TOOL"""
import pathlib
import subprocess
import sys
import tempfile
import zipfile

try:
    import numpy as np
except ImportError:
    print("skipped: no numpy (scripts/setup.sh installs it)")
    sys.exit(77)

with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder) / "a.npz"
    subprocess.run([sys.argv[1], "npz", path], check=True)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert all(member.compress_type == zipfile.ZIP_STORED for member in archive.infolist())
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file}
    assert list(arrays) == ["a", "b.c", "none", "one", "text", "empty", "words", "whole", "no words", "ü"], list(arrays)
    assert arrays["a"].dtype == np.float32 and np.array_equal(arrays["a"], np.linspace(0, 1, 6).astype("f4").reshape(2, 3))
    assert np.allclose(arrays["b.c"], np.linspace(-1, 1, 24).reshape(2, 3, 4), rtol=0, atol=1e-15)
    assert arrays["none"].shape == (0, 5) and arrays["one"].shape == () and arrays["one"] == np.float32(0.1)
    assert str(arrays["text"]) == 'é🌊 = "x"\n\ufffd', repr(arrays["text"])
    assert str(arrays["empty"]) == "" and list(arrays["words"]) == ["density", "p", ""] and arrays["no words"].shape == (0,)
    assert arrays["whole"].dtype == np.int64 and list(arrays["whole"]) == [3, -1]
    assert arrays["ü"] == [1.0]
print("1 passed, 0 failed")
