#!/usr/bin/env python3
"""The network in PyTorch, to race against: training steps and scoring, timed on a GPU.

    torch_peer.py CONFIG.json [--batch 32] [--modes tf32,bf16,tf32-compiled,bf16-compiled] [--scoring] [--steps 20] [--json FILE]
    torch_peer.py --check tests/reference/net_mini.safetensors

CONFIG.json is what `mlffad config --preset paper` prints. --check computes a reference file's first step, to show that this is the same network. Parameters bear the names of spec §12; maps are
[N, C, H, W] in channels-last memory, rows [N, rows, C]. The codes E of the quantisations are dense, as a PyTorch user writes them. Batch norm has batch statistics in training.
"""
import argparse
import contextlib
import json
import math
import statistics
import struct
import sys
import time

import torch
import torch.nn.functional as f
from torch import nn

EPS, MOMENTUM = 1e-5, 0.1


class Network(nn.Module):
    """Backbone, texture branch, self-calibrated module, fusion, score: F and S of normalised images."""

    def __init__(self, config):
        super().__init__()
        self.config = config
        self.names = {}
        width, t, sc = config["backbone"]["width"], config["texture"], config["sc"]
        stages = [4 * width << i for i in range(3)]
        self.conv_bn("backbone.conv1", "backbone.bn1", 3, width, 7)
        inputs = width
        for stage, blocks in enumerate(config["backbone"]["stages"]):
            for i in range(blocks):
                name, narrow = f"backbone.layer{stage + 1}.{i}", width << stage
                self.conv_bn(f"{name}.conv1", f"{name}.bn1", inputs, narrow, 1)
                self.conv_bn(f"{name}.conv2", f"{name}.bn2", narrow, narrow, 3)
                self.conv_bn(f"{name}.conv3", f"{name}.bn3", narrow, 4 * narrow, 1)
                if i == 0:
                    self.conv_bn(f"{name}.downsample.0", f"{name}.downsample.1", inputs, 4 * narrow, 1)
                inputs = 4 * narrow
        details, w, d = stages[0] + stages[1], t["width"], t["statWidth"]
        if t["enabled"]:
            self.conv_bn("texture.start.conv", "texture.start.bn", details, w, 1)
            self.conv_bn("texture.tem.conv1", "texture.tem.bn1", w, w, 3)
            self.weight("texture.tem.conv2", d, w, 1, 1)
            self.statistics("texture.tem", 2, d)
            for part in "kqv":
                self.weight(f"texture.tem.{part}", d, d)
            self.rows_bn("texture.tem.out", "texture.tem.bnout", d, w)
            self.weight("texture.ptfem.conv", w, 2 * w, 1, 1)
            for s in t["scales"]:
                self.statistics(f"texture.ptfem.s{s}", 3, w)
                self.rows_bn(f"texture.ptfem.s{s}.f4", f"texture.ptfem.s{s}.bn4", d, d)
            self.conv_bn("texture.ptfem.out", "texture.ptfem.bnout", len(t["scales"]) * d, w, 1)
            details = 3 * w
        deep = stages[2]
        if sc["enabled"]:
            if sc["width"] != deep:
                self.conv_bn("sc.reduce", "sc.bnreduce", deep, sc["width"], 1)
            deep = sc["width"]
            for i in (2, 3, 4):
                self.conv_bn(f"sc.k{i}", f"sc.bn{i}", deep, deep, 3)
        fusion = config["fusion"]["width"]
        self.weight("fusion", fusion, details + deep, 1, 1)
        if config["score"]["linear"]:
            self.weight("score", 1, fusion, 1, 1)
            self.add("score.bias", torch.zeros(1))

    def add(self, name, tensor, trained=True):
        key = name.replace(".", "_")
        self.names[name] = key
        if trained:
            self.register_parameter(key, nn.Parameter(tensor))
        else:
            self.register_buffer(key, tensor)

    def weight(self, name, *shape):
        self.add(f"{name}.weight", torch.randn(shape) * math.sqrt(2 / math.prod(shape[1:])))

    def bn(self, name, channels):
        self.add(f"{name}.weight", torch.ones(channels))
        self.add(f"{name}.bias", torch.zeros(channels))
        self.add(f"{name}.running_mean", torch.zeros(channels), trained=False)
        self.add(f"{name}.running_var", torch.ones(channels), trained=False)

    def conv_bn(self, conv, bn, inputs, outputs, kernel):
        self.weight(conv, outputs, inputs, kernel, kernel)
        self.bn(bn, outputs)

    def rows_bn(self, rows, bn, inputs, outputs):
        self.weight(rows, outputs, inputs)
        self.bn(bn, outputs)

    def statistics(self, name, inputs, g):
        t = self.config["texture"]
        self.weight(f"{name}.f1", t["mlpWidth"], inputs)
        self.weight(f"{name}.f2", t["statWidth"], t["mlpWidth"])
        self.rows_bn(f"{name}.f3", f"{name}.bn3", t["statWidth"] + g, t["statWidth"])

    def __getitem__(self, name):
        return getattr(self, self.names[name])

    def normalise(self, x, bn):
        eps = self.config["backbone"]["bnEps"] if bn.startswith("backbone.") else EPS
        return f.batch_norm(x, self[f"{bn}.running_mean"], self[f"{bn}.running_var"], self[f"{bn}.weight"], self[f"{bn}.bias"], self.training, MOMENTUM, eps)

    def conv(self, name, x, stride=1):
        w = self[f"{name}.weight"]
        return f.conv2d(x, w, stride=stride, padding=w.shape[2] // 2)

    def normal_conv(self, conv, bn, x, stride=1):
        return self.normalise(self.conv(conv, x, stride), bn)

    def rows(self, name, x):
        return f.linear(x, self[f"{name}.weight"])

    def normal_rows(self, rows, bn, x):
        x = self.rows(rows, x)
        return self.normalise(x.flatten(0, 1), bn).view(x.shape)

    def forward(self, images):
        x = f.max_pool2d(f.relu(self.normal_conv("backbone.conv1", "backbone.bn1", images, 2)), 3, 2, 1)
        f1 = self.stage(x, 1)
        f2 = self.stage(f1, 2)
        f3 = self.stage(f2, 3)
        details = torch.cat([f.avg_pool2d(f1, 2), f2], 1)
        if self.config["texture"]["enabled"]:
            details = self.texture(details)
        deep = self.self_calibrated(f3) if self.config["sc"]["enabled"] else f3
        deep = f.interpolate(deep, size=details.shape[2:], mode="bilinear", align_corners=False)
        features = self.conv("fusion", torch.cat([details, deep], 1))
        if not self.config["score"]["linear"]:
            return features, distance(features.float())
        return features, f.conv2d(features, self["score.weight"], self["score.bias"])

    def stage(self, x, stage):
        first = self.config["backbone"]["strideIn"] == "1x1"
        for i in range(self.config["backbone"]["stages"][stage - 1]):
            name, stride = f"backbone.layer{stage}.{i}", 2 if stage > 1 and i == 0 else 1
            y = f.relu(self.normal_conv(f"{name}.conv1", f"{name}.bn1", x, stride if first else 1))
            y = f.relu(self.normal_conv(f"{name}.conv2", f"{name}.bn2", y, 1 if first else stride))
            shortcut = self.normal_conv(f"{name}.downsample.0", f"{name}.downsample.1", x, stride) if i == 0 else x
            x = f.relu(self.normal_conv(f"{name}.conv3", f"{name}.bn3", y) + shortcut)
        return x

    def texture(self, details):
        x = f.relu(self.normal_conv("texture.start.conv", "texture.start.bn", details))
        t = self.tem(x)
        return torch.cat([self.ptfem(torch.cat([t, x], 1)), t, x], 1)

    def tem(self, x):
        n, _, h, w = x.shape
        u = f.leaky_relu(self.normal_conv("texture.tem.conv1", "texture.tem.bn1", x))
        g, m = cosine_to_mean(self.conv("texture.tem.conv2", u), 1)
        levels, codes = quantise(m, self.config["texture"]["levels1d"])
        counts = codes.sum(2)
        rows = torch.stack([levels, counts / (counts.sum(2, keepdim=True) + 1e-6)], -1).squeeze(1)
        d = self.statistics_of("texture.tem", rows, g)
        k, q, v = (self.rows(f"texture.tem.{part}", d) for part in "kqv")
        d = torch.softmax(k @ q.transpose(1, 2), -1) @ v
        d = f.relu(self.normal_rows("texture.tem.out", "texture.tem.bnout", d))
        return (codes.squeeze(1).to(d.dtype) @ d).transpose(1, 2).reshape(n, -1, h, w).contiguous(memory_format=torch.channels_last)

    def ptfem(self, x):
        z = self.conv("texture.ptfem.conv", x)
        n, _, side, _ = z.shape
        levels, all_scales = self.config["texture"]["levels2d"], []
        for s in self.config["texture"]["scales"]:
            name, h = f"texture.ptfem.s{s}", side // s
            g, m = cosine_to_mean(z, s)
            places, codes = quantise(m, levels)
            square = codes.view(n, s * s, h, h, levels)
            with torch.autocast(x.device.type, enabled=False):   # counts of eight bits would be no counts
                pairs = square[:, :, :-1, :-1].flatten(2, 3).transpose(2, 3) @ square[:, :, 1:, 1:].flatten(2, 3)
            pairs = pairs / (pairs.sum((2, 3), keepdim=True) + 1e-6)
            rows = torch.stack([places.unsqueeze(3).expand_as(pairs), places.unsqueeze(2).expand_as(pairs), pairs], -1).view(n, -1, 3)
            d = self.normal_rows(f"{name}.f4", f"{name}.bn4", self.statistics_of(name, rows, g))
            d = d.view(n, s, s, levels * levels, -1).mean(3).permute(0, 3, 1, 2)
            all_scales.append(f.interpolate(d, size=(side, side), mode="bilinear", align_corners=True))
        return f.relu(self.normal_conv("texture.ptfem.out", "texture.ptfem.bnout", torch.cat(all_scales, 1)))

    def statistics_of(self, name, rows, g):
        d = f.relu(self.rows(f"{name}.f2", f.leaky_relu(self.rows(f"{name}.f1", rows))))
        g = g.unsqueeze(2).expand(-1, -1, d.shape[1] // g.shape[1], -1).flatten(1, 2)
        return f.relu(self.normal_rows(f"{name}.f3", f"{name}.bn3", torch.cat([d, g.to(d.dtype)], -1)))

    def self_calibrated(self, x):
        if "sc.reduce.weight" in self.names:
            x = f.relu(self.normal_conv("sc.reduce", "sc.bnreduce", x))
        pool = self.config["sc"]["pool"]
        c2 = self.normal_conv("sc.k2", "sc.bn2", f.avg_pool2d(x, pool))
        gate = torch.sigmoid(x + f.interpolate(c2, scale_factor=pool, mode="nearest"))
        return self.normal_conv("sc.k4", "sc.bn4", self.normal_conv("sc.k3", "sc.bn3", x) * gate)


def cosine_to_mean(x, s):
    """Regions' means [N, s², C] and each cell's cosine to its region's [N, s², cells]."""
    n, c, h, w = x.shape
    x = x.float()   # under autocast, too: what is counted hangs on the last digits
    cells = x.permute(0, 2, 3, 1).reshape(n, s, h // s, s, w // s, c).permute(0, 1, 3, 2, 4, 5).reshape(n, s * s, -1, c)
    g = cells.mean(2)
    return g, (f.normalize(g, dim=-1).unsqueeze(2) * f.normalize(cells, dim=-1)).sum(-1)


def quantise(m, count):
    """Levels [N, regions, count] and dense codes E [N, regions, cells, count], for levels 'centre' and band 'half'."""
    lo, hi = m.min(2, keepdim=True).values, m.max(2, keepdim=True).values   # their gradients go to one position each
    span, numbers = hi - lo, torch.arange(count, device=m.device, dtype=m.dtype)
    levels = lo + span * (2 * numbers + 1) / (2 * count)
    with torch.no_grad():
        sees = ((m - lo) / (span / count)).floor().clamp(0, count - 1).unsqueeze(3) == numbers
    return levels, sees * (1 - (levels.unsqueeze(2) - m.unsqueeze(3)).abs())


def distance(features):
    q = features.square().sum(1, keepdim=True)
    return q / ((q + 1).sqrt() + 1)


def losses(features, scores, labels, c):
    """α L_f + β L_s + ξ L_fs; labels [N, M, M]. Nothing here waits for the GPU."""
    features, scores, bad = features.float(), scores.float(), labels.unsqueeze(1).to(torch.float32)
    good = 1 - bad
    n0, n1, a = good.sum().clamp_min(1), bad.sum().clamp_min(1), distance(features)
    lf = 0.5 * (a * good).sum() / n0 - 0.5 * ((-(-a).expm1()).clamp_min(1e-6).log() * bad).sum() / n1
    mean = (scores * good).sum() / n0
    ls = (f.relu(scores - c["gamma"]) * good).sum() / n0 + (f.relu(c["lambda"] - (scores - mean)) * bad).sum() / n1
    parts = [f.avg_pool2d(t, c["patch"]).flatten(2).transpose(1, 2) for t in (scores, features)]
    whole = f.max_pool2d(bad, c["patch"]).flatten(1) == 0
    pair = whole.unsqueeze(1) & whole.unsqueeze(2)

    def shares(x):
        apart = ((x.unsqueeze(1) - x.unsqueeze(2)).square().sum(-1) + 1e-8).sqrt() / c["temperature"]
        return torch.log_softmax(apart.masked_fill(~pair, -1e4), -1)

    p, q = shares(parts[0]), shares(parts[1])
    rows = (torch.where(pair, p.exp() * (p - q), torch.zeros_like(p))).sum((1, 2)) / whole.sum(1).clamp_min(1)
    return c["alpha"] * lf + c["beta"] * ls + c["xi"] * rows.mean()


def read_safetensors(path):
    """Metadata, and tensors by name."""
    kinds = {"F32": torch.float32, "I32": torch.int32, "F64": torch.float64, "I64": torch.int64}
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = bytearray(file.read())
    metadata = header.pop("__metadata__", {})
    return metadata, {name: torch.frombuffer(data, dtype=kinds[t["dtype"]], count=math.prod(t["shape"]), offset=t["data_offsets"][0]).view(t["shape"]) for name, t in header.items()}


def check(path):
    """The first step of a reference file: outputs within 1e-3 of the largest, gradients within 5e-3."""
    metadata, tensors = read_safetensors(path)
    config = json.loads(metadata["config"])
    network = Network(config)
    for name in network.names:
        kind = "stats" if "running_" in name else "weights"
        network[name].data.copy_(tensors[f"{kind}/{name}"].view(network[name].shape))
    images = tensors["x"][0].permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)
    features, scores = network(images)
    loss = losses(features, scores, tensors["y"][0], config["loss"])
    loss.backward()
    found = {"out/F": features.permute(0, 2, 3, 1), "out/S": scores.squeeze(1)}
    found.update({f"grad/{name}": network[name].grad for name in network.names if "running_" not in name})
    worst = {}
    for name, got in found.items():
        group = name.split("/")[0]
        expected = tensors[name]
        floor = 1e-3 * max(t.abs().max().item() for n, t in tensors.items() if n.startswith(group + "/"))
        error = (got.detach().view(expected.shape) - expected).abs().max().item() / max(expected.abs().max().item(), floor)
        worst[group] = max(worst.get(group, (0, "")), (error, name))
    apart = abs(loss.item() / json.loads(metadata["losses"])[0][0] - 1)
    print(f"{path}: loss differs by {apart:.1e}, outputs by {worst['out'][0]:.1e}, gradients by {worst['grad'][0]:.1e} ({worst['grad'][1]})")
    return apart < 5e-3 and worst["out"][0] < 1e-3 and worst["grad"][0] < 5e-3


def measure(call, steps, device):
    """Milliseconds of a call: the median of five times a fifth of the steps, the host waiting between them only."""
    wait = torch.cuda.synchronize if torch.device(device).type == "cuda" else lambda: None
    for _ in range(3):
        call()
    times, each = [], max(1, steps // 5)
    for _ in range(5):
        wait()
        start = time.perf_counter()
        for _ in range(each):
            call()
        wait()
        times.append((time.perf_counter() - start) / each * 1e3)
    return statistics.median(times)


def race(config, batch, mode, scoring, steps, device):
    torch.manual_seed(0)
    kind = torch.device(device).type
    if kind == "cuda":
        torch.cuda.set_device(device)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = not mode.startswith("fp32")
    torch.backends.cudnn.benchmark = True
    side = config["imageSize"]
    network = Network(config).to(device).to(memory_format=torch.channels_last).train(not scoring)
    images = torch.randn(batch, 3, side, side, device=device).contiguous(memory_format=torch.channels_last)
    labels = torch.zeros(batch, side // 8, side // 8, device=device)
    labels[1::2, :side // 32, :side // 32] = 1
    # With CUDA graphs, so that launches do not bound it.
    forward = torch.compile(network, mode="reduce-overhead") if mode.endswith("compiled") else network
    cast = torch.autocast(kind, torch.bfloat16) if mode.startswith("bf16") else contextlib.nullcontext()
    if scoring:
        def call():
            with torch.inference_mode(), cast:
                return forward(images)
        return measure(call, steps, device)
    decayed = [p for p in network.parameters() if p.dim() > 1]
    others = [p for p in network.parameters() if p.dim() <= 1]
    train = config["train"]
    fused = {"fused": True} if kind == "cuda" else {}
    descent = torch.optim.SGD([{"params": decayed, "weight_decay": train["weightDecay"]}, {"params": others}], lr=1e-6, momentum=train["momentum"], **fused)
    evaluate = torch.compile(losses) if mode.endswith("compiled") else losses

    def step():
        descent.zero_grad(set_to_none=True)
        with cast:
            features, scores = forward(images)
        evaluate(features, scores, labels, config["loss"]).backward()
        descent.step()
    return measure(step, steps, device)


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("config", nargs="?")
    options.add_argument("--check", nargs="+", metavar="REFERENCE")
    options.add_argument("--batch", type=int, default=32)
    options.add_argument("--modes", default="tf32,bf16,tf32-compiled,bf16-compiled")
    options.add_argument("--scoring", action="store_true")
    options.add_argument("--steps", type=int, default=20)
    options.add_argument("--device", default="cuda")
    options.add_argument("--json")
    o = options.parse_args()
    if o.check:
        return 0 if all([check(path) for path in o.check]) else 1
    if not o.config:
        options.error("CONFIG.json is missing: mlffad config --preset paper > CONFIG.json")
    with open(o.config, encoding="utf-8") as file:
        config = json.load(file)
    if (config["texture"]["levels"], config["texture"]["band"], config["loss"]["pairing"]) != ("centre", "half", "mean"):
        options.error("the peer has texture.levels 'centre', texture.band 'half' and loss.pairing 'mean' alone.")
    if not o.scoring and (config["train"]["freeze"], config["train"]["bn"], config["train"]["clipNorm"]) != ("none", "train", 0):
        options.error("the peer trains all there is: train.freeze 'none', train.bn 'train' and train.clipNorm 0.")
    what, found = "scoring" if o.scoring else "training", {}
    for mode in o.modes.split(","):
        found[mode] = race(config, o.batch, mode, o.scoring, o.steps, o.device)
        print(f"PyTorch {torch.__version__}, {what}, {mode}, batch {o.batch}: {found[mode]:.2f} ms", flush=True)
    if o.json:
        with open(o.json, "w", encoding="utf-8") as file:
            json.dump({"torch": torch.__version__, "what": what, "batch": o.batch, "ms": found}, file)
    return 0


if __name__ == "__main__":
    sys.exit(main())
