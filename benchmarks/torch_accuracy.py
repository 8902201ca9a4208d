"""Direct feedback alignment in PyTorch: how good it is, beside back-propagation.

    python benchmarks/torch_accuracy.py --task lenet --data mnist.npz [--epochs 10]
    python benchmarks/torch_accuracy.py --task characters [--steps 1000]

- lenet: two convolutions of 20 and 50 maps, a hidden layer of 500 units; with ReLU and batch norm,
  and with tanh and without. Adam, a cosine schedule, batches of 64. Test error in % after the last
  epoch, over seeds, each with weights, order and glass of its own; blocks are a convolution or a
  linear layer with what follows it. The .npz file holds x_train, y_train, x_test and y_test.
- characters: a transformer of four layers and 3.2 million parameters, which learns to predict the
  next character of Python's standard library: cross-entropy in bits a character on files left
  out, at equal steps. The embedding and each layer are blocks. "head alone" trains nothing else,
  and shows what the layers learn at all.

Seeds are the rows of the table; means are printed.
"""

import argparse
import math
import pathlib
import sysconfig
import time

import numpy as np
import torch
from _mnist import images
from _report import write_table
from torch import nn
from torch_dfa import WAYS, loss_of, update

from skopu.torch import DirectFeedback


def lenet(norm):
    activation = nn.ReLU if norm else nn.Tanh

    def part(layer, n_maps, *pool):
        norms = [(nn.BatchNorm2d if pool else nn.BatchNorm1d)(n_maps)] if norm else []
        return [layer, *norms, activation(), *pool]

    return nn.Sequential(
        *part(nn.Conv2d(1, 20, 5), 20, nn.MaxPool2d(2)),
        *part(nn.Conv2d(20, 50, 5), 50, nn.MaxPool2d(2)),
        nn.Flatten(),
        *part(nn.Linear(800, 500), 500),
        nn.Linear(500, 10),
    )


def train(model, batches, n_steps, lr):
    """Adam with a cosine schedule over batches, each a pair of inputs and targets."""
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=lr)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, n_steps)
    model.train()
    for _ in range(n_steps):
        update(model, optimizer, *next(batches))
        schedule.step()
    model.eval()


def lenet_task(arguments):
    parts = images(arguments.data)
    X, X_test = (torch.asarray(part).reshape(-1, 1, 28, 28) for part in parts[::2])
    y, y_test = (torch.asarray(part.astype(np.int64)) for part in parts[1::2])
    X, X_test = ((part - X.mean()) / X.std() for part in (X, X_test))

    def batches():
        while True:
            for part in torch.randperm(len(X))[: len(X) // 64 * 64].split(64):
                yield X[part], y[part]

    for seed in range(arguments.seeds):
        for norm in (True, False):
            for way in arguments.ways:
                torch.manual_seed(seed)
                model = DirectFeedback(lenet(norm), random_state=seed, **WAYS[way])
                steps = arguments.epochs * (len(X) // 64)
                start = time.perf_counter()
                train(model, batches(), steps, 1e-3)
                with torch.no_grad():
                    found = torch.cat([model(part).argmax(1) for part in X_test.split(1000)])
                yield {
                    "network": "LeNet with batch norm" if norm else "LeNet",
                    "method": way,
                    "seed": seed,
                    "test": 100 * float((found != y_test).double().mean()),
                    "s": time.perf_counter() - start,
                }


class Characters(nn.Module):
    """A causal transformer over 128 characters."""

    def __init__(self, width=256, n_layers=4, length=128):
        super().__init__()
        self.embed = nn.Embedding(128, width)
        self.places = nn.Parameter(0.02 * torch.randn(length, width))
        self.first = nn.Identity()  # behind which characters and places are added
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(
                width, 4, 4 * width, dropout=0, batch_first=True, norm_first=True
            )
            for _ in range(n_layers)
        )
        self.head = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 128))
        self.blocks = ["first", *(f"layers.{i}" for i in range(n_layers))]

    def forward(self, X):
        mask = nn.Transformer.generate_square_subsequent_mask(X.shape[1])
        h = self.first(self.embed(X) + self.places[: X.shape[1]])
        for layer in self.layers:
            h = layer(h, src_mask=mask, is_causal=True)
        return self.head(h)


def characters():
    """ASCII text of the standard library, to train with and to test."""
    files = sorted(pathlib.Path(sysconfig.get_path("stdlib")).glob("*.py"))
    texts = [file.read_text(errors="replace").encode("ascii", "replace") for file in files]
    joined = [
        b"".join(texts[i] for i in range(len(texts)) if (i % 10 == 0) == test) for test in (0, 1)
    ]
    return [torch.frombuffer(bytearray(text), dtype=torch.uint8).long() for text in joined]


def characters_task(arguments):
    text, test = characters()

    def batches(text, n_rows=16, length=128):
        while True:
            starts = torch.randint(len(text) - length, (n_rows, 1))
            rows = text[starts + torch.arange(length + 1)]
            yield rows[:, :-1], rows[:, 1:]

    torch.manual_seed(0)
    tests = [next(batches(test)) for _ in range(40)]
    for seed in range(arguments.seeds):
        for way in (*arguments.ways, "head alone"):
            torch.manual_seed(seed)
            net = Characters()
            if way == "head alone":
                net.requires_grad_(False)
                net.head.requires_grad_(True)
            model = DirectFeedback(net, net.blocks, random_state=seed, **WAYS.get(way, {}))
            start = time.perf_counter()
            train(model, batches(text), arguments.steps, arguments.rate)
            with torch.no_grad():
                bits = np.mean([float(loss_of(model(X), y)) for X, y in tests]) / math.log(2)
            taken = time.perf_counter() - start
            row = {"network": "transformer", "method": way, "seed": seed, "test": bits, "s": taken}
            yield row


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--task", choices=["lenet", "characters"], default="lenet")
    parser.add_argument("--data", help="path of the .npz file of images")
    ways = [way for way in WAYS if way != "DFA, ternary"]
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=ways)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=3e-4, help="learning rate of characters")
    parser.add_argument("--output", default="torch_accuracy.csv")
    arguments = parser.parse_args()
    rows = []
    task = {"lenet": lenet_task, "characters": characters_task}[arguments.task]
    for row in task(arguments):
        rows.append(row)
        print(row, flush=True)
    for network, method in dict.fromkeys((row["network"], row["method"]) for row in rows):
        values = [
            row["test"] for row in rows if (row["network"], row["method"]) == (network, method)
        ]
        spread = np.std(values, ddof=1) / math.sqrt(len(values)) if len(values) > 1 else math.nan
        print(f"{network}, {method}: {np.mean(values):.3f} +- {spread:.3f}")
    write_table(rows, arguments.output)


if __name__ == "__main__":
    main()
