"""Writes the PyTorch files beside it, and expected.safetensors with what each tensor of them holds.

Made with PyTorch 1.13.0 (CPU): python generate.py. Every file holds the same numbers, as float32 unless said otherwise.
"""
import json
import struct
from collections import OrderedDict
from pathlib import Path

import torch
from torch import nn

here = Path(__file__).parent
torch.manual_seed(1)
weight = torch.randn(4, 3)
kernel = torch.randn(2, 3, 2, 2)
counts = torch.tensor([3, -1, 2**40 % 1000])


def state():
    return OrderedDict(weight=weight.clone(), kernel=kernel.clone(), counts=counts.clone(), scalar=torch.tensor(0.5))


torch.save(state(), here / "plain.pth")
torch.save(state(), here / "legacy.pth", _use_new_zipfile_serialization=False)
torch.save(state(), here / "protocol4.pth", pickle_protocol=4)
torch.save({k: v.half() if v.is_floating_point() else v for k, v in state().items()}, here / "half.pth")
torch.save({k: v.bfloat16() if v.is_floating_point() else v for k, v in state().items()}, here / "bfloat16.pth")
torch.save({k: v.double() if v.is_floating_point() else v for k, v in state().items()}, here / "double.pth")

# a storage that two tensors share, from inside it, transposed, and with every second row
base = torch.randn(40)
base[5:17] = weight.flatten()
wide = torch.zeros(8, 3)
wide[::2] = weight
torch.save(
    {
        "offset": base[5:17].view(4, 3),
        "transposed": weight.t().contiguous().t(),
        "strided": wide[::2],
        "channels_last": kernel.contiguous(memory_format=torch.channels_last),
        "empty": torch.zeros(0, 3),
    },
    here / "strided.pth",
)

# what training scripts save, some of it no tensors
torch.save({"model": state(), "epoch": 7, "best": 0.25, "name": "tiny", "done": True, "none": None}, here / "model.pth")
torch.save({"state_dict": state(), "lrs": [0.1, 0.2], "size": weight.shape}, here / "state_dict.pth")
torch.save({"model": {"weight": torch.zeros(4, 3)}, "model_ema": state()}, here / "model_ema.pth")
torch.save(OrderedDict((k, nn.Parameter(v)) for k, v in state().items() if v.is_floating_point()), here / "parameters.pth")


class Layers(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 4)
        self.bn = nn.BatchNorm1d(4)


torch.manual_seed(2)
layers = Layers()
# its state dict has an attribute, _metadata
torch.save(layers.state_dict(), here / "module.pth")


def write_safetensors(path, tensors):
    names = {torch.float32: "F32", torch.int32: "I32"}
    header, data = {}, b""
    for name, tensor in tensors.items():
        raw = tensor.contiguous().numpy().tobytes()
        header[name] = {"dtype": names[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


expected = {"weight": weight, "kernel": kernel, "counts": counts.int(), "scalar": torch.tensor(0.5)}
expected |= {f"half.{k}": v.half().float() for k, v in expected.items() if v.is_floating_point()}
expected |= {f"bfloat16.{k}": expected[k].bfloat16().float() for k in ("weight", "kernel", "scalar")}
expected |= {f"module.{k}": v.int() if not v.is_floating_point() else v for k, v in layers.state_dict().items()}
write_safetensors(here / "expected.safetensors", expected)
