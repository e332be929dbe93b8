"""Writes memory.safetensors: what a memory of good parts (docs/spec.md, section 14) computes, in float64, by loops that
follow the text. Inputs are rounded to float32 first. Usage: python3 make_memory.py [FILE]"""
import json
import struct
import sys

import numpy as np

rng = np.random.default_rng(14)
cases, tensors = [], {}


def case(name, op, attrs, inputs, outputs, upstream=None, grads=None):
    """Notes a case; inputs and upstream gradients must be float32 already."""
    upstream, grads = upstream or {}, grads or {}
    cases.append(dict(name=name, op=op, attrs=attrs, inputs=list(inputs), outputs=list(outputs),
                      upstream=list(upstream), grads=list(grads)))
    for key, value in {**inputs, **outputs, **{f"d_{k}": v for k, v in {**upstream, **grads}.items()}}.items():
        tensors[f"{name}/{key}"] = np.ascontiguousarray(value, np.float32)


def normal(*shape, scale=1.0):
    return (scale * rng.standard_normal(shape)).astype(np.float32)


def squares(x, m):
    """Sums of squared differences of rows, in the order of numbers."""
    total = np.zeros((len(x), len(m)))
    for k in range(x.shape[1]):
        total += (x[:, k, None].astype(np.float64) - m[None, :, k]) ** 2
    return total


def nearest(name, q, m, groups=None):
    """Distance to the nearest vector, of equals the first; a query passes over vectors of its own group."""
    rows, (b, d) = q.reshape(-1, q.shape[-1]), m.shape
    s = squares(rows, m)
    inputs = dict(q=q, m=m)
    if groups is not None:
        inputs |= dict(q_groups=groups[0].astype(np.float32), m_groups=groups[1].astype(np.float32))
        s[groups[0][:, None] == groups[1][None, :]] = np.inf
    index = s.argmin(axis=1)
    distance = np.sqrt(s[np.arange(len(rows)), index])
    upstream = normal(len(rows))
    dq, dm = np.zeros((len(rows), d)), np.zeros((b, d))
    for i, j in enumerate(index):
        if distance[i] > 0:
            dq[i] = upstream[i] * (rows[i].astype(np.float64) - m[j]) / distance[i]
            dm[j] -= dq[i]
    per_query = (*q.shape[:-1], 1)
    case(name, "nearest_vector", {}, inputs,
         dict(distance=distance.reshape(per_query), index=index.reshape(per_query)),
         dict(distance=upstream.reshape(per_query)), dict(q=dq.reshape(q.shape), m=dm))


def k_centre(name, pool, count):
    """The vector nearest the mean, then again and again the one furthest from those chosen; of equals the first."""
    mean = pool.astype(np.float64).mean(axis=0).astype(np.float32)
    chosen, radii = [int(squares(pool, mean[None])[:, 0].argmin())], []
    least = np.full(len(pool), np.inf)
    while True:
        least = np.minimum(least, squares(pool, pool[chosen[-1]][None])[:, 0])
        radii.append(np.sqrt(least.max()))
        if len(chosen) == count or least.max() == 0:
            break
        chosen.append(int(least.argmax()))
    case(name, "k_centre", dict(count=count), dict(pool=pool), dict(indices=np.array(chosen), radii=np.array(radii)))


def local_mean(name, shape, radius, sigma):
    """Weighted means of the positions there are, and where gradients go."""
    x, dy = normal(*shape), normal(*shape)
    y, dx = np.zeros(shape), np.zeros(shape)
    for r in range(shape[1]):
        for c in range(shape[2]):
            around = [(s, t, 1.0 if sigma is None else np.exp(-((s - r) ** 2 + (t - c) ** 2) / (2 * sigma ** 2)))
                      for s in range(max(0, r - radius), min(shape[1], r + radius + 1))
                      for t in range(max(0, c - radius), min(shape[2], c + radius + 1))]
            whole = sum(a for _, _, a in around)
            for s, t, a in around:
                y[:, r, c] += a / whole * x[:, s, t].astype(np.float64)
                dx[:, s, t] += a / whole * dy[:, r, c].astype(np.float64)
    case(name, "local_mean", dict(radius=radius, sigma=sigma or 0), dict(x=x), dict(y=y), dict(y=dy), dict(x=dx))


def standardise(name, shape, rows, index):
    """(d - shift) * factor, of a cell's place or its nearest vector; an index of -1 leaves d as it is."""
    d, dy = np.abs(normal(*shape, 1)), normal(*shape, 1)
    scales = np.stack([np.abs(normal(rows)), 0.5 + np.abs(normal(rows))], axis=1)
    k = np.arange(d.size) % rows if index is None else index
    shift = np.where(k < 0, 0, scales[k, 0].astype(np.float64)).reshape(d.shape)
    factor = np.where(k < 0, 1, scales[k, 1].astype(np.float64)).reshape(d.shape)
    inputs = dict(d=d, scales=scales) | ({} if index is None else dict(index=index.reshape(d.shape).astype(np.float32)))
    case(name, "standardise", {}, inputs, dict(y=(d - shift) * factor), dict(y=dy), dict(d=dy * factor))


nearest("nearest_3x17_of_41x24", normal(3, 17, 24), normal(41, 24))
nearest("nearest_1x130_of_70x64", normal(1, 130, 64), normal(70, 64))
nearest("nearest_1_of_1x3", normal(1, 1, 3), normal(1, 3))
origins = normal(6, 32, scale=3)
family = np.concatenate([origins + normal(6, 32, scale=1e-3) for _ in range(9)])
family[40] = family[7]   # twice there: the lower index wins, and the distance of a copy is 0
queries = [family[[7, 40, 3]], family[10:30] + normal(20, 32, scale=1e-3), origins]
nearest("nearest_copies", np.concatenate(queries)[None], family)
remembered = normal(60, 20)
nearest("nearest_groups", np.concatenate([remembered[:35], normal(10, 20)])[None], remembered,
        (np.concatenate([np.arange(35) // 5, np.full(10, -1)]), np.arange(60) // 5))
k_centre("k_centre_300x17", normal(300, 17), 80)
k_centre("k_centre_all", normal(9, 5), 9)
k_centre("k_centre_ties", np.array([[i >> k & 1 for k in range(5)] for i in range(32)] * 2, np.float32), 20)
k_centre("k_centre_ends", np.array([[i % 7, 1, i % 2] for i in range(100)], np.float32), 50)
local_mean("local_mean_sigma_0.5", (2, 6, 7, 3), 2, 0.5)
local_mean("local_mean_sigma_1.3", (1, 8, 5, 1), 6, 1.3)
local_mean("local_mean_box", (2, 5, 6, 9), 1, None)
local_mean("local_mean_beyond_both_sides", (1, 1, 4, 2), 6, 1.5)
standardise("standardise_by_place", (2, 4, 6), 24, None)
standardise("standardise_by_vector", (2, 4, 6), 10, rng.integers(-1, 10, 48))
step = np.float32(0.37)
place = np.stack(np.meshgrid(np.arange(5), np.arange(7), indexing="ij"), axis=-1) * np.float64(step)
case("place_5x7", "place", {}, dict(step=np.array([step])), dict(y=np.stack([place, place])))

metadata = dict(format="mlffad-reference/1", kind="operators", cases=json.dumps(cases, separators=(",", ":")))
header, at = {"__metadata__": metadata}, 0
for key, value in tensors.items():
    header[key] = dict(dtype="F32", shape=list(value.shape), data_offsets=[at, at + value.nbytes])
    at += value.nbytes
text = json.dumps(header, separators=(",", ":")).encode()
text += b" " * (-len(text) % 8)
with open(sys.argv[1] if len(sys.argv) > 1 else "memory.safetensors", "wb") as file:
    file.write(struct.pack("<Q", len(text)) + text + b"".join(value.tobytes() for value in tensors.values()))
