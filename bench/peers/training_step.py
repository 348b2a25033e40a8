"""PyTorch eager doing the training step of bench/trainingStep.ts: the same network, loss and AdamW, threads as given.

usage: training_step.py convnext|vit BATCH SIDE THREADS [channels_last]
Prints "ready" after two steps, then runs one step per line of input and answers with its milliseconds.
"""

import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

CLASSES = 10


class ChannelNorm(nn.LayerNorm):
    """LayerNorm over the channels of an NCHW image."""

    def forward(self, x):
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class ConvNeXtBlock(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.depthwise = nn.Conv2d(dim, dim, 7, padding=3, groups=dim)
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        self.fc1 = nn.Linear(dim, 4 * dim)
        self.fc2 = nn.Linear(4 * dim, dim)
        self.gamma = nn.Parameter(torch.full((dim,), 1e-6))

    def forward(self, x):
        y = self.norm(self.depthwise(x).permute(0, 2, 3, 1))
        y = self.fc2(F.gelu(self.fc1(y))) * self.gamma
        return x + y.permute(0, 3, 1, 2)


def convnext_tiny():
    depths, dims = (3, 3, 9, 3), (96, 192, 384, 768)
    layers = [nn.Conv2d(3, dims[0], 4, 4), ChannelNorm(dims[0], eps=1e-6)]
    for stage, (depth, dim) in enumerate(zip(depths, dims)):
        if stage:
            layers += [ChannelNorm(dims[stage - 1], eps=1e-6), nn.Conv2d(dims[stage - 1], dim, 2, 2)]
        layers += [ConvNeXtBlock(dim) for _ in range(depth)]
    return nn.Sequential(*layers), 2 * dims[-1]


class ViTBlock(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(dim, eps=1e-6), nn.LayerNorm(dim, eps=1e-6)
        self.qkv, self.proj = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.fc1, self.fc2 = nn.Linear(dim, 4 * dim), nn.Linear(4 * dim, dim)

    def forward(self, x):
        n, tokens, dim = x.shape
        q, k, v = self.qkv(self.norm1(x)).reshape(n, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        scores = ((q * (dim // self.heads) ** -0.5) @ k.transpose(-2, -1)).softmax(-1)
        x = x + self.proj((scores @ v).transpose(1, 2).reshape(n, tokens, dim))
        return x + self.fc2(F.gelu(self.fc1(self.norm2(x))))


class ViTSmall(nn.Module):
    def __init__(self, side, dim=384, depth=12, heads=6, patch=16):
        super().__init__()
        self.patches = nn.Conv2d(3, dim, patch, patch)
        self.class_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.positions = nn.Parameter(torch.randn(1, (side // patch) ** 2 + 1, dim) * 0.02)
        self.blocks = nn.Sequential(*[ViTBlock(dim, heads) for _ in range(depth)])
        self.norm = nn.LayerNorm(dim, eps=1e-6)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.class_token.expand(x.shape[0], -1, -1), x], 1) + self.positions
        return self.norm(self.blocks(x)[:, 0])


class Pool(nn.Module):
    def forward(self, x):
        return torch.cat([x.amax((2, 3)), x.mean((2, 3))], 1) if x.dim() == 4 else x


def head(inputs, hidden=512):
    return nn.Sequential(
        Pool(),
        nn.BatchNorm1d(inputs),
        nn.Dropout(0.25),
        nn.Linear(inputs, hidden, bias=False),
        nn.ReLU(),
        nn.BatchNorm1d(hidden),
        nn.Dropout(0.5),
        nn.Linear(hidden, CLASSES, bias=False),
    )


def main():
    family, batch, side, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    body, features = convnext_tiny() if family == "convnext" else (ViTSmall(side), 384)
    model = nn.Sequential(body, head(features)).train()
    images, labels = torch.randn(batch, 3, side, side), torch.randint(0, CLASSES, (batch,))
    if "channels_last" in sys.argv:
        model = model.to(memory_format=torch.channels_last)
        images = images.contiguous(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01)

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        return loss.item()

    step()
    step()
    print("ready", flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        step()
        print((time.perf_counter() - start) * 1e3, flush=True)


main()
