"""Writes arrays.zip: .npy and .npz files as NumPy writes them, and manifest.json, what they hold.

python3 make.py; it was run with NumPy 1.24.2. Values are given as their bytes, little-endian and in C order, in hexadecimal.
"""
import io
import json
import zipfile

import numpy as np
from numpy.lib import format as npyformat

rng = np.random.default_rng(1)
out = zipfile.ZipFile("arrays.zip", "w", zipfile.ZIP_DEFLATED)
manifest = []
SHAPES = [(), (5,), (0,), (4, 3), (0, 3), (3, 2, 4), (2, 3, 2, 2), (9, 70)]
ARROW = {"b1": "bool", "f2": "float16", "f4": "float32", "f8": "float64", "M8[D]": "date32"}
for n in "1248":
    ARROW["i" + n], ARROW["u" + n] = "int%d" % (8 * int(n)), "uint%d" % (8 * int(n))
for u in ("s", "ms", "us", "ns"):
    ARROW["M8[%s]" % u], ARROW["m8[%s]" % u] = "timestamp[%s]" % u, "duration[%s]" % u


def add(name, data):
    out.writestr(zipfile.ZipInfo(name, (2024, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)


def random(code, shape):
    dt = np.dtype(code)
    n = int(np.prod(shape))
    if dt.kind == "b":
        a = rng.integers(0, 2, n).astype(bool)
    elif dt.kind == "f":
        a = rng.standard_normal(n).astype(dt)
        a[:3] = [np.nan, -0.0, np.inf][: len(a[:3])]
    elif dt.kind in "mM":
        a = rng.integers(-20000, 20000, n).astype("i8").view(dt)
        a[1:2] = "NaT"
    elif dt.kind == "S":
        a = np.array([("abcdefg"[: k % 8]).encode() for k in range(n)], dt)
    elif dt.kind == "U":
        a = np.array([["", "a", "größe", "数据 🙂", "x\0y"][k % 5] for k in range(n)], dt)
    else:
        a = np.frombuffer(rng.bytes(n * dt.itemsize), dt.newbyteorder("<"))
    return a.reshape(shape)


def column(name, a):
    """What reading gives: first axis rows, others lists."""
    c = {"name": name, "axes": list(a.shape[1:])}
    if a.dtype.kind in "SU":
        c["type"] = "utf8"
        c["strings"] = [s.decode() if isinstance(s, bytes) else str(s) for s in a.ravel()]
        return c
    code = a.dtype.str[1:]
    c["type"] = ARROW[code]
    flat = np.ascontiguousarray(a).ravel()
    if a.dtype.kind in "mM":
        flat = flat.astype(a.dtype.newbyteorder("<"))
        c["nulls"] = [int(i) for i in np.flatnonzero(np.isnat(flat))]
        flat = flat.view("<i8")
        if code == "M8[D]":
            flat = np.where(flat == np.iinfo("i8").min, 0, flat).astype("<i4")
    c["data"] = flat.astype(flat.dtype.newbyteorder("<")).tobytes().hex()
    return c


def columns(a, name="data"):
    a = a.reshape(1) if a.ndim == 0 else a
    if a.dtype.names is None:
        return [column(name, a)]
    return [column(f, a[f]) for f in a.dtype.names]


def npy(a, version=(1, 0)):
    b = io.BytesIO()
    npyformat.write_array(b, a, version)
    return b.getvalue()


def save(name, a, version=(1, 0)):
    add(name, npy(a, version))
    rows = a.shape[0] if a.ndim else 1
    manifest.append({"file": name, "rows": rows, "columns": columns(a)})


for code in list(ARROW) + ["S7", "S1", "U6"]:
    for shape in SHAPES:
        base = random(code, shape)
        for order in "<>":
            for layout in "CF":
                a = np.asarray(base, np.dtype(code).newbyteorder(order), order=layout)
                safe = code.replace("[", "_").replace("]", "")
                save("%s%s-%s-%s.npy" % ("le" if order == "<" else "be", safe, "x".join(map(str, shape)) or "scalar", layout), a)

for version in ((1, 0), (2, 0), (3, 0)):
    save("version%d.npy" % version[0], np.arange(7.0), version)

fields = [("x", "<f8"), ("flag", "?"), ("when", ">M8[ms]"), ("größe", ">i4"), ("name", "U5"), ("v", "<f4", (2, 3)), ("raw", "S3")]
for align in (False, True):
    for shape in ((6,), (), (3, 2), (0,)):
        dt = np.dtype(fields, align=align)
        a = np.zeros(shape, dt)
        for f in dt.names:
            sub = dt[f]
            a[f] = random((sub.base if sub.shape else sub).str, shape + sub.shape)
        for layout in "CF":
            name = "record%d-%s-%s.npy" % (align, "x".join(map(str, shape)) or "scalar", layout)
            save(name, np.asarray(a, order=layout), (3, 0))
a = np.zeros(3, [(("a title", "it's"), "<i2"), ('say "x"\\', "<i2")])
a["it's"] = [1, 2, 3]
save("titles.npy", a)

members = {"xs": np.arange(40.0), "f": np.asfortranarray(rng.standard_normal((40, 3))), "when": random("M8[us]", (40,)), "ok": random("b1", (40,))}
for name, write in (("stored.npz", np.savez), ("deflated.npz", np.savez_compressed)):
    b = io.BytesIO()
    write(b, **members)
    add(name, b.getvalue())
    manifest.append({"file": name, "rows": 40, "columns": [column(k, v) for k, v in members.items()]})
b = io.BytesIO()
np.savez(b, long=np.arange(5), short=np.arange(3), one=np.float64(2))
add("lengths.npz", b.getvalue())

add("object.npy", npy(np.array([{}], "O")))
add("complex.npy", npy(np.zeros(2, "c16")))
add("years.npy", npy(np.zeros(2, "M8[Y]")))
add("tens.npy", npy(np.zeros(2, "m8[10ns]")))
add("nested.npy", npy(np.zeros(2, [("a", [("b", "<i4")])])))
add("void.npy", npy(np.zeros(2, "V4")))
add("far.npy", npy(np.array([1, 1 << 40], "i8").view("M8[D]")))
add("latin.npy", npy(np.array([b"a", b"\xf6"])))
add("empty-axis.npy", npy(np.zeros((3, 0))))
add("long.npy", npy(np.zeros(2, "f16")))
add("manifest.json", json.dumps(manifest, separators=(",", ":")).encode())
out.close()
