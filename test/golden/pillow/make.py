#!/usr/bin/python3
"""Makes resize.json and decode.json with the real Pillow: `python3 make.py` in this folder. Made with Pillow 11.3.0, numpy 2.4.6.

Pillow 9.4.0 with numpy 1.24.2 gives the same pixels, except for two PAD cases whose padding is wider than the image: numpy 1 did
not mirror such padding evenly.

resize.json   SHA-256 of the bytes that crop, pad and resize give (BILINEAR) for images of `noise`. Boxes: training-semantics 3.
decode.json   files (base64) and what `Image.open(file).convert('RGB')` makes of them.
"""
import base64, hashlib, io, json, random, struct, zlib

import numpy as np
import PIL
from PIL import Image, ImageCms


def noise(width, height, seed):
    with np.errstate(over='ignore'):
        h = (np.arange(width * height * 3, dtype=np.uint32) ^ np.uint32(seed)) * np.uint32(0x9E3779B1)
        h = (h ^ (h >> np.uint32(15))) * np.uint32(0x85EBCA77)
    return (h >> np.uint32(24)).astype(np.uint8).reshape(height, width, 3)


def resized(pixels, target, method, px, py):
    (W, H), (h, w) = target, pixels.shape[:2]
    if method != 'SQUISH':
        wide = w / W < h / H if method == 'CROP' else w / W > h / H
        m = w / W if wide else h / H
        cw, ch = int(m * W), int(m * H)
        x, y = int(px * (w - cw)), int(py * (h - ch))
        pixels = pixels[max(y, 0) : min(y + ch, h), max(x, 0) : min(x + cw, w)]
        pad = ((max(-y, 0), max(ch - h + y, 0)), (max(-x, 0), max(cw - w + x, 0)), (0, 0))
        pixels = np.pad(pixels, pad, 'reflect')
    return np.asarray(Image.fromarray(pixels).resize((W, H), Image.BILINEAR))


def resize_cases():
    r = random.Random(3)
    sizes = [(1, 1, 1, 1), (1, 1, 9, 4), (1, 37, 5, 11), (37, 1, 11, 5), (1, 500, 1, 3), (500, 1, 3, 1), (2, 2, 64, 64),
             (3, 5, 224, 224), (64, 64, 64, 64), (64, 48, 64, 32), (48, 64, 32, 64), (2999, 17, 7, 17), (17, 2999, 17, 7),
             (1777, 1333, 3, 2), (640, 480, 480, 480), (480, 640, 480, 480), (480, 640, 192, 192), (1200, 900, 1, 1),
             (255, 257, 256, 256), (7, 3, 700, 300), (4096, 4, 5, 9), (100, 99, 99, 100)]
    sizes += [tuple(r.randint(1, 400) for _ in range(4)) for _ in range(40)]
    cases = [(*s, 'SQUISH', 0.5, 0.5) for s in sizes]
    for _ in range(40):
        w, h, W, H = (r.randint(20, 300) for _ in range(4))
        cases.append((w, h, W, H, r.choice(['CROP', 'PAD']), round(r.random(), 6), round(r.random(), 6)))
    for i, (w, h, W, H, method, px, py) in enumerate(cases):
        out = resized(noise(w, h, i), (W, H), method, px, py)
        yield {'from': [w, h], 'to': [W, H], 'method': method, 'at': [px, py], 'seed': i, 'sha256': hashlib.sha256(out.tobytes()).hexdigest()}


def png16(pixels):
    h, w = pixels.shape[:2]
    chunk = lambda kind, data: struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))
    rows = b''.join(b'\0' + row.astype('>u2').tobytes() for row in pixels)
    head = struct.pack('>IIBBBBB', w, h, 16, 2 if pixels.ndim == 3 else 0, 0, 0, 0)
    return b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', head) + chunk(b'IDAT', zlib.compress(rows)) + chunk(b'IEND', b'')


def decode_cases():
    w, h = 22, 15
    tiles = Image.fromarray(noise(4, 4, 7)).resize((w, h), Image.BICUBIC)
    photo = Image.fromarray((np.asarray(tiles).astype(int) + noise(w, h, 8) // 16).clip(0, 255).astype(np.uint8))
    cmyk = Image.fromarray(np.concatenate([np.asarray(photo), noise(w, h, 9)[:, :, :1] // 2], 2), 'CMYK')
    rgba = photo.convert('RGBA')
    rgba.putalpha(Image.fromarray(np.tile(np.linspace(0, 255, w).astype(np.uint8), (h, 1))))
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile('sRGB')).tobytes()
    other = profile.replace(b'rXYZ', b'tmp!').replace(b'bXYZ', b'rXYZ').replace(b'tmp!', b'bXYZ')  # red and blue change places
    turned = Image.Exif()
    turned[274] = 6
    files = {
        'jpeg 4:2:0': (photo, 'JPEG', dict(quality=90)),
        'jpeg 4:2:2': (photo, 'JPEG', dict(quality=75, subsampling=1)),
        'jpeg 4:4:4': (photo, 'JPEG', dict(quality=95, subsampling=0)),
        'jpeg progressive': (photo, 'JPEG', dict(quality=85, progressive=True)),
        'jpeg grey': (photo.convert('L'), 'JPEG', {}),
        'jpeg cmyk': (cmyk, 'JPEG', dict(quality=95)),
        'jpeg with another profile': (photo, 'JPEG', dict(icc_profile=other)),
        'jpeg with a corrupt profile': (photo, 'JPEG', dict(icc_profile=b'\xff\0no profile' * 20)),
        'jpeg to be turned': (photo, 'JPEG', dict(quality=90, exif=turned.tobytes())),
        'png rgb': (photo, 'PNG', {}),
        'png grey': (photo.convert('L'), 'PNG', {}),
        'png 1 bit': (photo.convert('1'), 'PNG', {}),
        'png palette': (photo.quantize(40), 'PNG', {}),
        'png with another profile': (photo, 'PNG', dict(icc_profile=other)),
        'png with a corrupt profile': (photo, 'PNG', dict(icc_profile=b'\xff\0no profile' * 20)),
        'png rgba': (rgba, 'PNG', {}),
        'png grey with alpha': (rgba.convert('LA'), 'PNG', {}),
        'png palette with a transparent entry': (photo.quantize(16), 'PNG', dict(transparency=0)),
        'png rgb 16 bit': (noise(w, h, 10).astype(np.uint16) * 256 + noise(w, h, 11), 'PNG16', {}),
        'png grey 16 bit': (noise(w, h, 12)[:, :, 0].astype(np.uint16) * 256 + noise(w, h, 13)[:, :, 0], 'PNG16', {}),
        'webp': (photo, 'WEBP', dict(quality=80)),
        'webp lossless': (photo, 'WEBP', dict(lossless=True)),
        'gif': (photo, 'GIF', {}),
        'gif animated': (photo, 'GIF', dict(save_all=True, append_images=[photo.rotate(180)])),
        'webp animated': (photo, 'WEBP', dict(save_all=True, append_images=[photo.rotate(180)], lossless=True)),
        'tiff': (photo, 'TIFF', {}),
        'tiff lzw': (photo, 'TIFF', dict(compression='tiff_lzw')),
        'tiff cmyk': (cmyk, 'TIFF', {}),
    }
    for name, (image, kind, options) in files.items():
        if kind == 'PNG16':
            data = png16(image)
        else:
            out = io.BytesIO()
            image.save(out, kind, **options)
            data = out.getvalue()
        rgb = Image.open(io.BytesIO(data)).convert('RGB')
        text = lambda b: base64.b64encode(b).decode()
        yield {'name': name, 'file': text(data), 'width': rgb.width, 'height': rgb.height, 'rgb': text(rgb.tobytes())}


def write(name, cases):
    with open(name, 'w') as file:
        rows = ',\n'.join(json.dumps(case) for case in cases)
        file.write(f'{{"pillow": "{PIL.__version__}", "cases": [\n{rows}\n]}}\n')


write('resize.json', resize_cases())
write('decode.json', decode_cases())
