#!/usr/bin/python3
"""Peer of bench/imagePipeline.ts: the same decoding, item resize and augmentation with Pillow and numpy, in processes.

usage: image_pipeline.py exact|native files|decoded PROCESSES ITEM_SIDE SIDE BATCH PASSES FILE...

exact   the arithmetic of the pipeline in float32: bilinear grid sampling with reflection, prefilter, corner-aligned
        resampling, lighting in logit space. Only the cropped region is sampled.
native  the nearest that Pillow's own C code offers: Image.transform(PERSPECTIVE) on a reflect-padded image, an
        antialiased resize and a 256-entry lighting table, with 8-bit rounding after each step.

files    every pass decodes the files
decoded  they are decoded beforehand: resizing and augmentation alone

Results stay in the processes (only a checksum comes back), which costs the peer nothing for handing batches over.
Prints one line of JSON: {"imagesPerSecond": ..., "pillow": ..., "numpy": ...} for the best of the passes.
"""
import json, math, multiprocessing, os, sys, time

os.environ['OMP_NUM_THREADS'] = '1'
os.environ['OPENBLAS_NUM_THREADS'] = '1'
import numpy as np
import PIL
from PIL import Image

MEAN = np.array([0.485, 0.456, 0.406], np.float32)
STD = np.array([0.229, 0.224, 0.225], np.float32)


def homography(rng, n):
    """Output pixel -> input pixel: flip, rotate, zoom, warp, drawn as the recipe does."""
    masked = lambda low, high, neutral: rng.uniform(low, high) if rng.rand() < 0.75 else neutral
    flip = -1.0 if rng.rand() < 0.5 else 1.0
    theta, zoom = math.radians(masked(-10, 10, 0)), masked(1, 1.1, 1)
    col, row = rng.rand(), rng.rand()
    tx, ty = masked(-0.2, 0.2, 0), masked(-0.2, 0.2, 0)
    s, c, k = math.sin(theta), math.cos(theta), 1 / zoom
    affine = np.diag([flip, 1, 1]) @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]])
    affine = affine @ np.array([[k, 0, (1 - k) * (2 * col - 1)], [0, k, (1 - k) * (2 * row - 1)], [0, 0, 1]])
    p = [(-1, -1), (-1, 1), (1, -1), (1, 1)]
    q = [(-1 - ty, -1 - tx), (-1 + ty, 1 + tx), (1 + ty, -1 + tx), (1 - ty, 1 - tx)]
    rows, right = [], []
    for (px, py), (qx, qy) in zip(p, q):
        rows += [[qx, qy, 1, 0, 0, 0, -px * qx, -px * qy], [0, 0, 0, qx, qy, 1, -py * qx, -py * qy]]
        right += [px, py]
    warp = np.append(np.linalg.solve(rows, right), 1).reshape(3, 3)
    h = (n - 1) / 2
    return np.array([[h, 0, h], [0, h, h], [0, 0, 1]]) @ warp @ affine @ np.array([[1 / h, 0, -1], [0, 1 / h, -1], [0, 0, 1]])


def reflect(p, n):
    p = np.abs(p)
    return np.where(p > n - 1, 2 * (n - 1) - p, p)


def sample(item, m, left, top, side):
    n = item.shape[0]
    x, y = np.meshgrid(np.arange(left, left + side, dtype=np.float32), np.arange(top, top + side, dtype=np.float32))
    m = m.astype(np.float32)
    d = m[2, 0] * x + m[2, 1] * y + m[2, 2]
    px = reflect((m[0, 0] * x + m[0, 1] * y + m[0, 2]) / d, n)
    py = reflect((m[1, 0] * x + m[1, 1] * y + m[1, 2]) / d, n)
    x0, y0 = px.astype(np.int32), py.astype(np.int32)
    fx, fy = (px - x0)[..., None], (py - y0)[..., None]
    x1, y1 = np.minimum(x0 + 1, n - 1), np.minimum(y0 + 1, n - 1)
    flat = item.reshape(-1, 3)
    at = lambda r, c: np.take(flat, r * n + c, axis=0)
    upper = at(y0, x0) * (1 - fx) + at(y0, x1) * fx
    return upper * (1 - fy) + (at(y1, x0) * (1 - fx) + at(y1, x1) * fx) * fy


def axis(side, out):
    """Taps (index, weight), each (out, t), of area averaging (where it applies) and corner-aligned bilinear sampling."""
    d = 0.5 * min(side / out, side / 2)
    middle = math.floor(side * (1 / d)) if d > 1 else side
    position = np.arange(out) * (middle - 1) / (out - 1)
    index, weight = [], []
    for p in position:
        w = {}
        for k, share in ((int(p), 1 - p % 1), (min(int(p) + 1, middle - 1), p % 1)):
            a, b = k * side // middle, -(-(k + 1) * side // middle)
            for j in range(a, b):
                w[j] = w.get(j, 0) + share / (b - a)
        index.append(list(w)), weight.append(list(w.values()))
    taps = max(map(len, index))
    pad = lambda rows, fill: [r + [fill(r)] * (taps - len(r)) for r in rows]
    return np.array(pad(index, lambda r: r[-1])), np.array(pad(weight, lambda r: 0), np.float32)


def resample(image, side, out):
    if (side, out) not in AXES:
        AXES[side, out] = axis(side, out)
    index, weight = AXES[side, out]
    rows = sum(weight[:, t, None, None] * image[index[:, t]] for t in range(index.shape[1]))
    return sum(weight[None, :, t, None] * rows[:, index[:, t]] for t in range(index.shape[1]))


AXES = {}


def exact(item, m, left, top, side, out, brightness, contrast):
    x = resample(sample(np.asarray(item).astype(np.float32) / 255, m, left, top, side), side, out)
    logit = -np.log(1 / np.clip(x, 1e-7, 1 - 1e-7) - 1)
    y = 1 / (1 + np.exp(-(logit + np.float32(math.log(brightness / (1 - brightness)))) * np.float32(contrast)))
    return (y - MEAN) / STD


def native(item, m, left, top, side, out, brightness, contrast):
    pad = 80
    padded = Image.fromarray(np.pad(np.asarray(item), ((pad, pad), (pad, pad), (0, 0)), 'reflect'))
    shift = np.array([[1, 0, pad], [0, 1, pad], [0, 0, 1]]) @ m @ np.array([[1, 0, left], [0, 1, top], [0, 0, 1]])
    shift /= shift[2, 2]
    warped = padded.transform((side, side), Image.PERSPECTIVE, shift.ravel()[:8].tolist(), Image.BILINEAR)
    small = np.asarray(warped.resize((out, out), Image.BILINEAR))
    x = np.clip(np.arange(256, dtype=np.float32) / 255, 1e-7, 1 - 1e-7)
    y = 1 / (1 + np.exp(-(-np.log(1 / x - 1) + math.log(brightness / (1 - brightness))) * contrast))
    table = ((y[:, None] - MEAN) / STD).astype(np.float32)
    return np.stack([table[small[..., c], c] for c in range(3)], axis=-1)


def batch(task):
    augment, seed, item_side, side, files = task
    rng = np.random.RandomState(seed)
    crop = round(math.sqrt(rng.uniform(0.75, 1)) * item_side)
    top, left = rng.randint(item_side - crop + 1), rng.randint(item_side - crop + 1)
    total = 0.0
    for file in files:
        item = (DECODED.get(file) or Image.open(file).convert('RGB')).resize((item_side, item_side), Image.BILINEAR)
        brightness = rng.uniform(0.4, 0.6) if rng.rand() < 0.75 else 0.5
        contrast = math.exp(rng.uniform(math.log(0.8), -math.log(0.8))) if rng.rand() < 0.75 else 1.0
        out = AUGMENT[augment](item, homography(rng, item_side), left, top, crop, side, brightness, contrast)
        total += float(out[0, 0, 0])
    return total


AUGMENT = {'exact': exact, 'native': native}
DECODED = {}  # filled before the processes are forked


def main():
    augment, source = sys.argv[1:3]
    processes, item_side, side, size, passes = map(int, sys.argv[3:8])
    files = sys.argv[8:]
    if source == 'decoded':
        DECODED.update((file, Image.open(file).convert('RGB')) for file in files)
    best = 0.0
    with multiprocessing.Pool(processes) as pool:
        pool.map(batch, [(augment, 0, item_side, side, files[:1])] * processes, 1)  # imports and first touches
        for p in range(passes):
            tasks = [(augment, p * 1000 + i, item_side, side, files[i : i + size]) for i in range(0, len(files), size)]
            start = time.perf_counter()
            total = sum(pool.imap_unordered(batch, tasks, 1))
            best = max(best, len(files) / (time.perf_counter() - start))
            assert math.isfinite(total)
    print(json.dumps({'imagesPerSecond': best, 'pillow': PIL.__version__, 'numpy': np.__version__}))


main()
