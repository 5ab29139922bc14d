"""h5py reads what lowtide writes; lowtide reads what h5py and numpy write, and refuses what is broken.

usage: h5py_reads.py SNAPSHOT_TOOL
"""
import io
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import warnings
import zipfile

try:
    import h5py
    import numpy as np
except ImportError:
    if sys.executable != "/usr/bin/python3" and os.path.exists("/usr/bin/python3"):
        os.execv("/usr/bin/python3", ["/usr/bin/python3", *sys.argv])  # the one that Debian's packages are for
    print("skipped: no h5py (scripts/setup.sh installs it)")
    sys.exit(77)

TOOL = sys.argv[1]
FOLDER = tempfile.TemporaryDirectory()
AT = pathlib.Path(FOLDER.name)
faults = []
cases = []  # (path, what the answer must contain)


def expect(path, *parts):
    cases.append((path, parts))


def good(T=3, n=4):
    return {"t": np.arange(T) / 4, "x": np.arange(n) / n, "u": np.arange(T * n).reshape(T, n) / 8.0}


GOOD = ("t 0 0.25 0.5; x (4,1): 0 0.25 0.5 0.75; u (12,1): 0 0.125 0.25 ", "offsets 0 4 8 12")


# ---- what lowtide writes
def h5py_reads_ours():
    path = AT / "ours.h5"
    subprocess.run([TOOL, "write", path], check=True)
    f = h5py.File(path)
    t, x, u = f["t"][:], f["x"][:], f["u"][:]
    settings = dict(f.attrs["settings"])
    assert np.array_equal(t, [0, 0.1, 1 / 3]) and x.shape == (9, 2) and u.shape == (9, 2), (t, x, u)
    assert u.dtype == "<f8" and u[0, 0] == -1e-300 and u[-1, 1] == 1e17
    assert settings == {"cells": "500", "empty": "", "equation": "a = b"}, settings
    assert f.attrs["schema"] == "lowtide snapshots" and f.attrs["version"] == 1
    assert f.attrs["law"] == "shallow water é" and list(f.attrs["fields"]) == ["depth", "momentum"]
    assert list(f.attrs["low"]) == [-1, 0] and list(f["heldout"]) == [0, 1, 0]
    assert [u[a:b].shape for a, b in zip(f["offsets"][:-1], f["offsets"][1:])] == [(2, 2), (3, 2), (4, 2)]
    assert sorted(f) == ["cell", "heldout", "level", "mu", "offsets", "t", "u", "weight", "x"], sorted(f)
    assert {n: str(f[n].dtype) for n in f} == {
        "cell": "float64", "heldout": "uint8", "level": "int32", "mu": "float64", "offsets": "int64",
        "t": "float64", "u": "float64", "weight": "float64", "x": "float64"}


# ---- HDF5
def h5(name, arrays, *parts, edit=None, **options):
    path = AT / (name + ".h5")
    with h5py.File(path, "w", **options) as f:
        for key, value in arrays.items():
            f[key] = value
        if edit:
            edit(f)
    expect(path, *parts)
    return path


def replaced(f, name, *args, **options):
    del f[name]
    return f.create_dataset(name, *args, **options)


def hdf5_to_read():
    h5("plain", good(), *GOOD, "weight 0.125 0.25 0.25 0.125;", "fields u0;")
    h5("latest", good(), *GOOD, libver="latest")
    h5("userblock", good(), *GOOD, userblock_size=512)
    for dtype in ("<f4", ">f4", ">f8", "<f8"):
        h5("type" + dtype[1:] + str(ord(dtype[0])), {k: v.astype(dtype) for k, v in good().items()}, *GOOD)

    def packed(f):
        for name in ("t", "x", "u"):
            data = f[name][:]
            replaced(f, name, data=data, chunks=tuple(min(3, s) for s in data.shape), compression="gzip",
                     shuffle=True, fletcher32=True)
        f["extra"] = np.array([b"words"])
        f["elsewhere"] = h5py.ExternalLink("none.h5", "/x")  # nobody asks for it
        f.create_group("group")["u"] = 1.0
    h5("packed", good(), *GOOD, edit=packed)
    h5("packed-latest", good(), *GOOD, edit=packed, libver="latest")

    def named(f):
        f.attrs["law"] = np.bytes_("advection")
        f.attrs["fields"] = ["height"]
        f.attrs["low"], f.attrs["high"] = 0, 2
    h5("named", {**good(), "heldout": np.array([False, True, False])}, *GOOD, "law advection", "fields height;",
       "weight 0.125 0.25 0.25 1.375;", "heldout 0 1 0;",
       edit=lambda f: (named(f), f.attrs.__setitem__("low", [0]), f.attrs.__setitem__("high", [2.0])))
    h5("big-endian-offsets", {"t": [0, 1], "x": np.zeros((5, 2)), "u": np.ones((5, 2)),
                              "offsets": np.array([0, 2, 5], ">i4")},
       "x (5,2)", "offsets 0 2 5", "weight 0.5 0.5 0.3333333", "fields u0 u1")
    h5("moving", {"t": [0, 1], "x": np.zeros((2, 3, 2)), "u": np.ones((2, 3, 4), "f4"), "mu": [5, 6]},
       "x (6,2)", "u (6,4)", "offsets 0 3 6", "mu 5 6")


def hdf5_to_refuse():
    def bad(name, *parts, edit=None, **arrays):
        return h5("bad-" + name, {**good(), **arrays}, "refused: ", *parts, edit=edit)

    for name, content in {"text": b"t,x,u\n0,1,2\n" * 100, "empty": b"", "signature": b"\x89HDF\r\n\x1a\n" + bytes(9000)}.items():
        (AT / ("bad-" + name + ".h5")).write_bytes(content)
        expect(AT / ("bad-" + name + ".h5"), "refused: ", "")
    expect(AT / "bad-text.h5", "not an HDF5 file")
    expect(AT / "none.h5", "there is no such file")
    expect(AT, "not a regular file")

    def moved(name, make):
        def edit(f):
            data = f[name][:]
            del f[name]
            make(f, data)
        return edit
    h5("other", good(), *GOOD)
    bad("external-link", "/u: is a link to another file",
        edit=moved("u", lambda f, u: f.__setitem__("u", h5py.ExternalLink("other.h5", "/u"))))
    bad("soft-link", "/u: is a link, not a dataset",
        edit=moved("u", lambda f, u: (f.__setitem__("v", u), f.__setitem__("u", h5py.SoftLink("/v")))))
    bad("group", "/x: is not a dataset", edit=moved("x", lambda f, x: f.create_group("x")))

    def virtual(f, u):
        layout = h5py.VirtualLayout(shape=(3, 4), dtype="f8")
        layout[:] = h5py.VirtualSource(str(AT / "other.h5"), "u", shape=(3, 4))
        f.create_virtual_dataset("u", layout)
    bad("virtual", "/u: is a virtual dataset", edit=moved("u", virtual))
    (AT / "raw").write_bytes(bytes(96))
    bad("external-storage", "/u: stores its numbers in another file",
        edit=moved("u", lambda f, u: f.create_dataset("u", (3, 4), "f8", external=[(str(AT / "raw"), 0, 96)])))
    bad("huge", "/u: is larger than", edit=lambda f: replaced(f, "u", (10**6, 10**6), "f8", chunks=(10, 10)))
    bad("overflow", "/u: is larger than", edit=lambda f: replaced(f, "u", (2**31, 2**33), "f8", chunks=(10, 10)))
    bad("never-written", "/u: 0 bytes are stored, but its extents need 96", edit=lambda f: replaced(f, "u", (3, 4), "f8"))
    bad("no-chunks", "/u: 0 of 4 chunks", edit=lambda f: replaced(f, "u", (3, 4), "f8", chunks=(2, 2)))
    bad("big-chunk", "/u: has chunks larger", edit=lambda f: replaced(f, "u", (3, 4), "f8", chunks=(2**14, 2**14), maxshape=(None, None)))

    def some_chunks(f):
        replaced(f, "u", (3, 4), "f8", chunks=(2, 2))[0:2, 0:2] = 1
    bad("some-chunks", "/u: 1 of 4 chunks", edit=some_chunks)
    bad("bomb", "/u: is larger than",
        edit=lambda f: replaced(f, "u", data=np.zeros((3, 10**7)), chunks=(1, 10**6), compression="gzip", compression_opts=9))
    bad("lzf", "/u: is packed by filter 32000", edit=lambda f: replaced(f, "u", data=np.ones((3, 4)), compression="lzf"))
    bad("scale", "/u: is packed by filter 6",
        edit=lambda f: replaced(f, "u", data=np.ones((3, 4), "i4"), chunks=(3, 4), scaleoffset=0))

    bad("text-u", "/u: holds text", u=np.array([b"a", b"b"]))
    bad("half", "/u: holds floating-point numbers of 2 bytes", u=np.ones((3, 4), "f2"))
    bad("complex", "/u: holds records", u=np.ones((3, 4), complex))
    bad("long-double", "/u: holds floating-point numbers of 16 bytes", u=np.ones((3, 4), np.longdouble))
    bad("references", "/u: holds references", edit=lambda f: replaced(f, "u", (3,), h5py.ref_dtype))
    bad("lists", "/u: holds lists", edit=lambda f: replaced(f, "u", (3,), h5py.vlen_dtype("f8")))
    bad("truth", "/u: holds an enumeration", u=np.ones((3, 4), bool))
    bad("opaque", "/u: holds opaque", u=np.array([b"abc"], "V3"))
    bad("rank", "/u: has 5 axes", u=np.ones((3, 1, 4, 1, 1)))
    bad("float-offsets", "/offsets: holds floating", offsets=[0.0, 4, 8, 12])
    bad("exact", "/x: integer 9007199254740993 is too large", x=[0, 1, 2, 2**53 + 1])
    bad("level", "/level: 1099511627776 is out of range", level=[1, 1, 1, 2**40])

    def nan(f):
        f["u"][2, 1] = np.nan
    bad("nan", "/u: number 9 is nan", edit=nan)
    bad("inf", "/t: number 1 is inf", t=[0, np.inf, 1])
    bad("order", "/t: frame 2 at 1 does not come after 1", t=[0, 1.0, 1.0])
    bad("weight", "/weight: number 1 is 0", weight=[1, 0, 1, 1.0])
    bad("weight-size", "/weight: has 3 entries, not 4", weight=[1, 1, 1.0])
    bad("offsets-end", "/offsets: run from 0 to 13", offsets=[0, 4, 8, 13], u=np.ones((12, 1)))
    bad("offsets-back", "/offsets: frame 1 has no points", offsets=[0, 8, 4, 12], u=np.ones((12, 1)), x=np.ones((12, 1)))
    bad("offsets-negative", "/offsets: frame 0 has no points", offsets=[0, -4, 8, 12], u=np.ones((12, 1)), x=np.ones((12, 1)))
    bad("offsets-short", "/offsets: has 3 entries, not 4", offsets=[0, 4, 12], u=np.ones((12, 1)))
    bad("offsets-huge", "/offsets: ", offsets=np.array([0, 2**63, 2**63, 12], "u8"), u=np.ones((12, 1)))
    bad("transposed", "/u: ", "u looks transposed", u=np.ones((4, 3)))
    bad("x-transposed", "/u: ", "x looks transposed", x=np.ones((2, 4)))
    bad("no-begin", "/u: ", "offsets (T+1)", x=np.ones((12, 1)), u=np.ones((12, 1)))
    bad("points", "/u: has 5 points in each frame, but x has 4", u=np.ones((3, 5, 1)))
    bad("frames", "/u: has 2 frames, but t has 3", u=np.ones((2, 4, 1)))
    bad("no-t", "/t: missing", edit=lambda f: f.__delitem__("t"))
    bad("no-points", "", t=np.zeros(0), x=np.zeros((0, 1)), u=np.zeros((0, 1)))
    bad("scalar", "/t: has shape", t=1.0)
    bad("null", "", edit=lambda f: replaced(f, "u", data=h5py.Empty("f8")))

    def attribute(key, value):
        return lambda f: f.attrs.__setitem__(key, value)
    bad("version", "version: is 2, written by a newer lowtide", edit=attribute("version", 2))
    bad("version-0", "version: is 0", edit=attribute("version", 0))
    bad("version-text", "version: holds text, not integers", edit=attribute("version", "1"))
    bad("version-two", "version: is not one number", edit=attribute("version", [1, 1]))
    bad("schema", "schema: is not 'lowtide snapshots'", edit=attribute("schema", "something\nelse"))
    bad("law", "law: holds integers, not text", edit=attribute("law", 3))
    bad("law-two", "law: has 2 entries", edit=attribute("law", ["a", "b"]))
    bad("fields", "fields: has 2 names, not 1", edit=attribute("fields", ["a", "b"]))
    bad("settings", "settings: has shape (3), not (n,2)", edit=attribute("settings", ["a", "b", "c"]))
    bad("domain", "high: has 0 directions", edit=attribute("low", [0.0]))
    bad("domain-back", "low: the domain reaches from 1 to 0",
        edit=lambda f: (attribute("low", [1.0])(f), attribute("high", [0.0])(f)))
    bad("grid", "grid: does not hold the 4 points", edit=attribute("grid", [5]))
    bad("long", "law: its text is too long", edit=attribute("law", "a" * 2000000))
    h5("bad-many", good(), "refused: ", "grid: has 100001 entries", libver="latest",
       edit=attribute("grid", np.zeros(100001, "i8")))
    bad("zero", "", edit=attribute("fields", ["a\nb", "c"]))

    path = bad("checksum", "/u: damaged: ",
               edit=lambda f: replaced(f, "u", data=np.full((3, 4), 1.25), chunks=(3, 4), fletcher32=True))
    data = path.read_bytes()
    spot = data.index(np.full(12, 1.25).tobytes())
    path.write_bytes(data[:spot] + b"\x01" + data[spot + 1:])


# ---- npz
def npz(name, *parts, save=np.savez, **arrays):
    path = AT / (name + ".npz")
    save(path, **arrays)
    expect(path, *parts)
    return path


def member(array, version=None):
    out = io.BytesIO()
    np.lib.format.write_array(out, np.asarray(array), version=version, allow_pickle=True)
    return out.getvalue()


def zipped(name, members, *parts, method=zipfile.ZIP_STORED):
    path = AT / (name + ".npz")
    with zipfile.ZipFile(path, "w", method) as z:
        for key, data in members:
            z.writestr(key + ".npy", data)
    expect(path, *parts)
    return path


def npz_to_read():
    npz("plain", *GOOD, **good())
    npz("packed", *GOOD, save=np.savez_compressed, **good())
    npz("fortran", *GOOD, **{**good(), "u": np.asfortranarray(good()["u"])})
    npz("fortran-3", "u (12,2): 0 1 2 3 4 5 ", **{**good(), "u": np.asfortranarray(np.arange(24.0).reshape(3, 4, 2))})
    npz("floats", *GOOD, **{k: v.astype(">f4") for k, v in good().items()})
    npz("extra", *GOOD, **good(), words=np.array(["a", "b"]), objects=np.array([{}, None], dtype=object))
    for t in ("i1", "<i2", ">i4", "<i8", ">i8", "u1", ">u2", "<u4", ">u8"):
        npz("integers-" + t[-2:] + str(ord(t[0])), "t 0 1 2; ", "offsets 0 1 3 6", "level 1 2 1 1 2 1",
            t=np.arange(3).astype(t), x=np.ones((6, 2)), u=np.ones((6, 2)), offsets=np.array([0, 1, 3, 6]).astype(t),
            level=np.array([1, 2, 1, 1, 2, 1]).astype(t))
    npz("heldout", *GOOD, "heldout 0 1 0", **good(), heldout=np.array([False, True, False]))
    for version in ((1, 0), (2, 0), (3, 0)):
        zipped(f"version-{version[0]}", [(k, member(v, version)) for k, v in good().items()], *GOOD)
    path = npz("commented", *GOOD, **good())
    with zipfile.ZipFile(path, "a") as z:
        z.comment = b"PK\x05\x06 is not the end"
    # zip64: sizes in the extra field of the directory, counts in the end record
    data = bytearray((AT / "plain.npz").read_bytes())
    end = data.rindex(b"PK\x05\x06")
    count, size, begin = struct.unpack("<HII", data[end + 10:end + 20])
    wide = struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, size, begin)
    wide += struct.pack("<4sIQI", b"PK\x06\x07", 0, end, 1)
    data[end + 8:end + 20] = b"\xff" * 12
    (AT / "zip64.npz").write_bytes(data[:end] + wide + data[end:])
    expect(AT / "zip64.npz", *GOOD)
    (AT / "bad-zip64.npz").write_bytes(data)
    expect(AT / "bad-zip64.npz", "refused: ", "no zip64 locator")


def npz_to_refuse():
    def bad(name, *parts, **arrays):
        return npz("bad-" + name, "refused: ", *parts, **{**good(), **arrays})

    def bad_member(name, data, *parts):
        rest = [(k, member(v)) for k, v in good().items() if k != "u"]
        return zipped("bad-" + name, [*rest, ("u", data)], "refused: ", *parts)

    def edited(name, edit, *parts, source="plain.npz"):
        path = AT / ("bad-" + name + ".npz")
        path.write_bytes(edit(bytearray((AT / source).read_bytes())))
        expect(path, "refused: ", *parts)

    u = member(good()["u"])
    bad("objects", "u.npy: holds pickled Python objects", u=np.array([[1], [1, 2]], dtype=object))
    bad("records", "u.npy: holds records", u=np.zeros(3, [("a", "f8")]))
    bad("half", "u.npy: holds elements of type '<f2'", u=np.zeros((3, 4), "f2"))
    bad("complex", "u.npy: holds elements of type '<c16'", u=np.zeros((3, 4), complex))
    bad("text", "u.npy: holds elements of type '<U1'", u=np.array(["a"]))
    bad("rank", "u.npy: has more than 4 axes", u=np.zeros((3, 1, 1, 1, 4)))
    bad("nan", "/u: number 5 is nan", u=np.where(np.arange(12) == 5, np.nan, 1).reshape(3, 4))
    bad("offsets", "/offsets: run from 0 to 9", x=np.zeros((12, 1)), u=np.zeros((12, 1)), offsets=[0, 1, 3, 9])
    bad("offsets-float", "/offsets: holds floating-point", x=np.zeros((12, 1)), u=np.zeros((12, 1)), offsets=[0, 1, 3, 12.0])
    bad("unsigned", "level.npy: has an integer beyond 2^63", level=np.array([1, 1, 1, 2**63 + 1], "u8"))
    bad("transposed", "/u: does not have T * n", "transposed", u=np.ones((4, 3)))
    npz("bad-missing", "refused: ", "/u: missing", t=[1.0], x=[1.0])

    bad_member("magic", b"\x93NUMPX" + u[6:], "u.npy: not an array of numpy")
    bad_member("format", u[:6] + b"\x09" + u[7:], "u.npy: has format 9")
    bad_member("short", u[:9], "u.npy: ends within its header")
    bad_member("header-cut", u[:60], "u.npy: ends within its header")
    bad_member("cut", u[:-8], "u.npy: damaged: has ")
    bad_member("long", u + bytes(8), "u.npy: damaged: has ")
    for name, old, new, part in (
            ("key", b"'descr'", b"'decsr'", "unknown key 'decsr'"),
            ("key-twice", b"'fortran_order': False, ", b"'descr': '<f8',         ", "unknown key 'descr'"),
            ("lacks", b"'fortran_order': False, ", b" " * 24, "lacks descr"),
            ("truth", b"False", b"Maybe", "neither True nor False"),
            ("dictionary", b"{", b"[", "has no '{'"),
            ("colon", b"'shape':", b"'shape';", "has no ':'"),
            ("quote", b"'shape':", b" shape :", "has no name"),
            ("quote-end", b"'shape': (3, 4), }", b" 'shape           ", "a quote that does not end"),
            ("negative", b"(3, 4)", b"(-3,4)", "not a list of numbers"),
            ("word", b"(3, 4)", b"(a, 4)", "not a list of numbers"),
            ("paren", b"(3, 4)", b"(3; 4)", "has no ')'"),
            ("behind", b"} ", b"}}", "text behind"),
            ("large", b"(3, 4), }      ", b"(99999999999,4)", "has no '}'"),
            ("overflow", b"(3, 4), }                   ", b"(99999999999,99999999999), }", "larger than any file"),
            ("overflow-1", b"(3, 4), }               ", b"(9999999999999999999), }", "not a list of numbers"),
            ("lies", b"(3, 4), }    ", b"(3000, 4000)}", "needs 96000128")):
        assert old in u and len(old) == len(new), name
        bad_member(name, u.replace(old, new, 1), "u.npy: ", part)

    edited("not", lambda d: b"hello" * 10, "not a zip archive")
    edited("nothing", lambda d: b"", "not a zip archive")
    edited("tiny", lambda d: d[:10], "cut off")
    edited("npy", lambda d: u, "is one array (.npy)")
    edited("truncated", lambda d: d[:-30], "the end of the archive is missing")

    def at_end(offset, value):
        def edit(d):
            end = d.rindex(b"PK\x05\x06") + offset
            d[end:end + len(value)] = value
            return d
        return edit

    def in_entry(offset, value):  # of the last member, u
        def edit(d):
            entry = d.rindex(b"PK\x01\x02") + offset
            d[entry:entry + len(value)] = value
            return d
        return edit
    edited("parts", at_end(4, b"\1\0"), "several files")
    edited("directory", at_end(16, b"\xf0\xff\0\0"), "its directory lies outside")
    edited("count", at_end(10, b"\xf0\0"), "its directory is too small")
    edited("entries", at_end(10, b"\4\0"), "")
    edited("entry", in_entry(0, b"XX"), "an entry of the directory is missing")
    edited("entry-cut", in_entry(32, b"\xff\xff"), "an entry of the directory is cut off")
    edited("crc", in_entry(16, b"\1\2\3\4"), "u.npy: damaged: its checksum")
    edited("payload", lambda d: d.replace(good()["u"].tobytes()[-32:], bytes(32), 1), "u.npy: damaged: its checksum")
    edited("encrypted", in_entry(8, b"\1"), "u.npy: is encrypted")
    edited("local", in_entry(42, b"\7\0\0\0"), "u.npy: damaged: is not where")
    edited("local-far", in_entry(42, b"\0\0\0\x70"), "u.npy: damaged: is not where")
    edited("other-member", in_entry(42, b"\0\0\0\0"), "u.npy: damaged: has two names")
    edited("two-sizes", in_entry(24, struct.pack("<I", len(u) + 8)), "u.npy: damaged: is not packed, but has two sizes")
    edited("reaches", in_entry(20, struct.pack("<I", 10**6)), "u.npy: damaged: reaches into")
    packed = "packed.npz"
    edited("packed-crc", in_entry(16, b"\1\2\3\4"), "u.npy: damaged: its checksum", source=packed)
    edited("packed-size", in_entry(24, struct.pack("<I", len(u) + 8)), "u.npy: damaged: ", source=packed)
    edited("packed-short", in_entry(24, struct.pack("<I", len(u) - 8)), "u.npy: damaged: has", source=packed)
    edited("packed-cut", in_entry(20, struct.pack("<I", 20)), "u.npy: damaged: ", source=packed)
    edited("packed-much", in_entry(24, struct.pack("<I", 10**7)), "u.npy: damaged: says to unpack to too much", source=packed)
    edited("packed-more", in_entry(24, struct.pack("<I", 0xfffffff0)), "u.npy: unpacks to more than", source=packed)

    zipped("bad-bzip2", [(k, member(v)) for k, v in good().items()], "refused: ", "t.npy: is packed by method 12",
           method=zipfile.ZIP_BZIP2)
    # A bomb: 400 MB of zeros in 400 kB, in one member, and in ten that fit one by one.
    zipped("bad-bomb", [("u", member(np.zeros((1, 5 * 10**7))))], "refused: ", "u.npy: unpacks to more than",
           method=zipfile.ZIP_DEFLATED)
    zipped("bad-bytes", [("level", member(np.zeros(2 * 10**7, "u1")))], "refused: ", "level.npy: unpacks to more than",
           method=zipfile.ZIP_DEFLATED)  # would take eight times as much as integers
    zipped("bad-bombs", [(k, member(np.zeros((1, 5 * 10**6)))) for k in ("t", "x", "u", "weight", "offsets", "mu")],
           "refused: ", "unpacks to more than", method=zipfile.ZIP_DEFLATED)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        zipped("bad-twice", [("u", u), ("u", u)], "refused: ", "u.npy: is there twice")
    inside = u.replace(b"(3, 4)", b"(3, 3)", 1)  # fewer numbers than there are, in header and directory alike
    path = zipped("bad-lies-short", [("u", inside)], "refused: ", "u.npy: damaged: unpacks to more", method=zipfile.ZIP_DEFLATED)
    data = bytearray(path.read_bytes())
    path.write_bytes(in_entry(24, struct.pack("<I", len(u) - 24))(data))


h5py_reads_ours()
hdf5_to_read()
hdf5_to_refuse()
npz_to_read()
npz_to_refuse()

out = subprocess.run([TOOL, "read", *(str(path) for path, _ in cases)], capture_output=True, text=True)
lines = out.stdout.splitlines()
if out.returncode or out.stderr or len(lines) != len(cases):
    sys.exit(f"{TOOL} read: code {out.returncode}, {len(lines)} lines for {len(cases)} files\n{out.stderr}"
             + (f"after {cases[len(lines) - 1][0]}: {cases[min(len(lines), len(cases) - 1)][0]}"))
slowest = 0.0
for (path, parts), line in zip(cases, lines):
    seconds, answer = line.split(" ", 1)
    slowest = max(slowest, float(seconds))
    refused = answer.startswith("refused: ")
    if refused and not answer.startswith(f"refused: {path}:"):
        faults.append(f"{path.name}: the message does not name the file: {answer}")
    if ("refused: " in parts) > refused or not all(part in answer for part in parts):
        faults.append(f"{path.name}: expected {parts}, got {answer[:300]}")
    if "-v" in sys.argv:
        print(f"{seconds} {answer[:150].replace(str(AT) + '/', '')}")
    if float(seconds) > 3:  # 0.1 on a quiet machine
        faults.append(f"{path.name}: took {seconds} s")
print(f"{len(cases)} files, the slowest took {slowest:.3f} s")
for fault in faults:
    print(fault)
sys.exit(1 if faults else 0)
