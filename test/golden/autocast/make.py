"""bfloat16.json: a small network under PyTorch's autocast on the CPU (1.13.0, bfloat16; it has no float16 there), and without."""

import json
import os

import torch
import torch.nn.functional as F

torch.manual_seed(0)
torch.set_num_threads(1)
# Products of fewer than 16^3 multiplications are summed in bfloat16 by PyTorch's CPU, which no GPU does.
N, C, D, H, K = 16, 3, 16, 64, 8
tensors = {
    "x": torch.randn(N, C, 6, 6),
    "patches": torch.randn(D, C, 2, 2) * 0.3,
    "patches_bias": torch.randn(D) * 0.1,
    "depthwise": torch.randn(D, 1, 3, 3) * 0.3,
    "depthwise_bias": torch.randn(D) * 0.1,
    "norm": torch.rand(D) + 0.5,
    "norm_bias": torch.randn(D) * 0.1,
    "qk": torch.randn(2 * D, D) * 0.3,
    "up": torch.randn(H, D) * 0.2,
    "up_bias": torch.randn(H) * 0.1,
    "head": torch.randn(K, H) * 0.2,
    "head_bias": torch.randn(K) * 0.1,
}
tensors = {name: (value * 1000).round() / 1000 for name, value in tensors.items()}
labels = torch.arange(N) % K


def numbers(tensor):
    return [float(f"{x:.8g}") for x in tensor.flatten().tolist()]


def run(enabled):
    p = {name: value.clone().requires_grad_(name != "x") for name, value in tensors.items()}
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=enabled):
        y = F.conv2d(p["x"], p["patches"], p["patches_bias"], stride=2)
        y = F.conv2d(y, p["depthwise"], p["depthwise_bias"], padding=1, groups=D)
        y = y.float().permute(0, 2, 3, 1).reshape(N, 9, D)
        y = F.layer_norm(y, (D,), p["norm"], p["norm_bias"], 1e-6)
        q, k = F.linear(y, p["qk"]).chunk(2, -1)
        weights = torch.matmul(q, k.transpose(1, 2)).float().softmax(-1)
        y = y + torch.matmul(weights, k).float()
        y = F.relu(F.linear(y, p["up"], p["up_bias"])).float().mean(1)
        logits = F.linear(y, p["head"], p["head_bias"]).float()
    loss = F.cross_entropy(logits, labels)
    loss.backward()
    gradients = {name: numbers(value.grad) for name, value in p.items() if name != "x"}
    return {"logits": numbers(logits), "loss": numbers(loss), **gradients}


fixture = {
    "inputs": {name: {"shape": list(value.shape), "values": numbers(value)} for name, value in tensors.items()},
    "labels": labels.tolist(),
    "bfloat16": run(True),
    "float32": run(False),
}
with open(os.path.join(os.path.dirname(__file__), "bfloat16.json"), "w") as file:
    json.dump(fixture, file)
    file.write("\n")
