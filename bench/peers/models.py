"""PyTorch eager running timm's and torchvision's own model code for bench/trainingStep.ts and bench/inference.ts, with the fastai head.

usage: models.py train|infer MODEL BATCH SIDE THREADS ITEM_SIDE    (MODEL: timm's name)
Prints one line of JSON once everything has run twice: {"versions", "variants"}. Each line of input is then answered by one of JSON:
  run VARIANT          milliseconds of a pass: train: [forward and backward, AdamW]; infer: [forward]
  tta VARIANT IMAGES   infer: [milliseconds of 4 augmented passes and a plain one over as many images]
"""

import json
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

CLASSES = 10


class Pool(nn.Module):
    """Feature maps (NHWC where `last`) to vectors as fastai pools them; vectors pass."""

    def __init__(self, last):
        super().__init__()
        self.axes = (1, 2) if last else (2, 3)

    def forward(self, x):
        return torch.cat([x.amax(self.axes), x.mean(self.axes)], 1) if x.dim() == 4 else x


def head(inputs, last=False, hidden=512):
    return nn.Sequential(
        Pool(last),
        nn.BatchNorm1d(inputs),
        nn.Dropout(0.25),
        nn.Linear(inputs, hidden, bias=False),
        nn.ReLU(),
        nn.BatchNorm1d(hidden),
        nn.Dropout(0.5),
        nn.Linear(hidden, CLASSES, bias=False),
    )


def of_timm(name, side):
    import timm

    options = {"img_size": side} if name.startswith(("vit", "swin")) else {}
    if name.startswith("swin"):
        options["drop_path_rate"] = 0.1
    body = timm.create_model(name, num_classes=0, **options)
    if name.startswith("convnext"):
        body.head = nn.Identity()
        return f"timm {timm.__version__}", nn.Sequential(body, head(2 * body.num_features))
    return f"timm {timm.__version__}", nn.Sequential(body, head(body.num_features))


def of_torchvision(name, side):
    import torchvision
    from torchvision import models

    if name.startswith("convnext"):
        body = models.convnext_tiny(stochastic_depth_prob=0.0).features
        top = head(2 * 768)
    elif name.startswith("vit"):
        body = models.VisionTransformer(side, 16, 12, 6, 384, 1536)
        body.heads = nn.Identity()
        top = head(384)
    else:
        body = (models.swin_v2_t if name.startswith("swinv2") else models.swin_t)()
        for module in body.modules():
            if isinstance(module, torchvision.ops.StochasticDepth):
                module.p /= 2  # of at most 0.2, which they fix
        body.head = nn.Identity()
        top = head(768)
    return f"torchvision {torchvision.__version__}", nn.Sequential(body, top)


class Variant:
    def __init__(self, name, model, train, batch, side, channels_last):
        self.name = name
        self.format = torch.channels_last if channels_last else torch.contiguous_format
        self.model = model.to(memory_format=self.format).train(train)
        self.images = torch.randn(batch, 3, side, side).contiguous(memory_format=self.format)
        self.labels = torch.randint(0, CLASSES, (batch,))
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5, weight_decay=0.01)

    def train(self):
        start = time.perf_counter()
        F.cross_entropy(self.model(self.images), self.labels).backward()
        middle = time.perf_counter()
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return [(middle - start) * 1e3, (time.perf_counter() - middle) * 1e3]

    @torch.inference_mode()
    def infer(self):
        start = time.perf_counter()
        self.model(self.images)
        return [(time.perf_counter() - start) * 1e3]

    @torch.inference_mode()
    def tta(self, items):
        start = time.perf_counter()
        passes = [self.probabilities(items, augmented) for augmented in (True,) * 4 + (False,)]
        (0.75 * sum(passes[:4]) / 4 + 0.25 * passes[4]).numpy()
        return [(time.perf_counter() - start) * 1e3]

    def probabilities(self, items, augmented):
        batch, _, side, _ = self.images.shape
        chunks = []
        for part in items.split(batch):
            images = normalised(part.float() / 255, side, augmented)
            chunks.append(self.model(images.contiguous(memory_format=self.format)).softmax(1))
        return torch.cat(chunks)


def normalised(x, side, augmented):
    """What fastai's batch transforms come to when flip, rotation, zoom and crop are one grid, then lighting; plain: a resize."""
    if augmented:
        n = len(x)
        angle, scale = (torch.rand(n) - 0.5) * 0.35, 0.75 + 0.25 * torch.rand(n)
        flip = torch.randint(0, 2, (n,)) * 2 - 1
        sin, cos, shift = angle.sin() * scale, angle.cos() * scale, (torch.rand(2, n) - 0.5) * 0.25
        theta = torch.stack([flip * cos, -sin, shift[0], flip * sin, cos, shift[1]], 1).reshape(n, 2, 3)
        grid = F.affine_grid(theta, [n, 3, side, side], align_corners=False)
        x = F.grid_sample(x, grid, padding_mode="reflection", align_corners=False)
        bright, contrast = torch.randn(2, n, 1, 1, 1) * 0.1
        x = torch.sigmoid(torch.logit(x, 1e-4) * (1 + contrast) + bright)
    else:
        x = F.interpolate(x, (side, side), mode="bilinear", align_corners=False)
    return (x - 0.45) / 0.225


def main():
    mode, name = sys.argv[1:3]
    batch, side, threads, item_side = map(int, sys.argv[3:])
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    variants, missing = [], []
    for make in (of_timm, of_torchvision):
        for channels_last in (False, True) if name.startswith("convnext") else (False,):
            try:
                label, model = make(name, side)
            except ImportError as error:
                missing.append(error.name)
                break
            label += ", channels_last" if channels_last else ""
            variants.append(Variant(label, model, mode == "train", batch, side, channels_last))
    for variant in variants * 2:
        variant.train() if mode == "train" else variant.infer()
    versions = f"PyTorch {torch.__version__}, without {', '.join(missing)}" if missing else f"PyTorch {torch.__version__}"
    print(json.dumps({"versions": versions, "variants": [v.name for v in variants]}), flush=True)
    for line in sys.stdin:
        command, number, *rest = line.split()
        variant = variants[int(number)]
        if command == "tta":
            items = torch.randint(0, 256, (int(rest[0]), 3, item_side, item_side), dtype=torch.uint8)
            answer = variant.tta(items)
        else:
            answer = variant.train() if mode == "train" else variant.infer()
        print(json.dumps(answer), flush=True)


main()
