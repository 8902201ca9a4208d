"""Direct feedback alignment in PyTorch: what a step costs, beside back-propagation.

    python benchmarks/torch_dfa.py [--device cuda] [--tasks epoch blocks vgg graph]

- epoch: an epoch of 784-1024-1024-10, tanh, Adam, batches of 128, float32, of random inputs, by
  PyTorch's back-propagation, by DirectFeedback, by DFAClassifier and MLPClassifier. On a GPU,
  the data are there.
- blocks: a step of a transformer of eight layers, its activations held or computed once more
  (torch.utils.checkpoint), its parameters updated after the backward pass or within it, each as
  soon as its gradient is there, which is then freed.
- vgg: a step of VGG16 on an image of 224 x 224: the memory that feedback takes.
- graph: a step of a graph convolutional network of two layers on a random graph.

Contestants take turns; times are medians, "as fast" is the time of the task's first contestant over
that of the contestant. Peak memory is that of a fresh process beyond network and data, or what
PyTorch reports of the GPU's.
"""

import argparse
import functools
import time
import warnings

import numpy as np
import torch
from _camera import NOISY
from _memory import peak_memory
from _report import write_table
from sklearn.neural_network import MLPClassifier
from torch import nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from skopu import OPU, DFAClassifier, GaussianMedium
from skopu.torch import DirectFeedback

LIGHT = OPU(GaussianMedium(), NOISY, input_bits=1, random_state=None)
WAYS = {
    "back-propagation": {"feedback": "backprop"},
    "DFA": {},
    "DFA, ternary": {"error_encoding": "ternary"},
    "DFA, ternary, 8-bit camera": {
        "error_encoding": "ternary",
        "feedback": "optical",
        "opu": LIGHT,
    },
}


def loss_of(output, y):
    return functional.cross_entropy(output.flatten(0, -2), y.flatten())


def update(model, optimizer, X, y):
    """A step of training."""
    optimizer.zero_grad()
    loss_of(model(X), y).backward()
    optimizer.step()


# A task's `prepare(name, device)` returns a step to be timed.


def perceptron_epoch(name, device, n_samples=6400):
    rng = np.random.default_rng(0)
    X, y = rng.random((n_samples, 784), np.float32), rng.integers(10, size=n_samples)
    if name in ("DFAClassifier", "MLPClassifier"):
        estimator = {"DFAClassifier": DFAClassifier, "MLPClassifier": MLPClassifier}[name]
        options = {"batch_size": 128, "max_iter": 1, "random_state": 0}
        return functools.partial(estimator((1024, 1024), "tanh", **options).fit, X, y)
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Linear(784, 1024), nn.Tanh(), nn.Linear(1024, 1024), nn.Tanh(), nn.Linear(1024, 10)
    )
    model = net.to(device) if name == "PyTorch" else DirectFeedback(net, **WAYS[name]).to(device)
    optimizer = torch.optim.Adam(model.parameters())
    X, y = torch.asarray(X, device=device), torch.asarray(y, device=device)

    def epoch():
        for part in torch.randperm(n_samples, device=device).split(128):
            update(model, optimizer, X[part], y[part])

    return epoch


class Recomputed(nn.Module):
    """A module whose activations are computed once more in the backward pass."""

    def __init__(self, inside):
        super().__init__()
        self.inside = inside

    def forward(self, X):
        return checkpoint(self.inside, X, use_reentrant=False)


BLOCKS = {
    f"{feedback}{held}{updated}": (feedback, held, updated)
    for feedback in ("back-propagation", "DFA")
    for held in ("", ", recomputed")
    for updated in ("", ", updated within")
}


def transformer_step(name, device, n_layers=8, width=256, batch=(16, 128)):
    feedback, held, updated = BLOCKS[name]
    torch.manual_seed(0)
    layers = [
        nn.TransformerEncoderLayer(width, 4, 4 * width, dropout=0, batch_first=True)
        for _ in range(n_layers)
    ]
    if held:
        layers = list(map(Recomputed, layers))
    net = nn.Sequential(nn.Embedding(100, width), *layers, nn.Linear(width, 100))
    blocks = [str(i) for i in range(n_layers + 1)]
    model = DirectFeedback(net, blocks, **WAYS[feedback]).to(device)
    X = torch.randint(100, batch, device=device)
    if not updated:
        return functools.partial(update, model, torch.optim.Adam(model.parameters()), X, X)
    for parameter in model.parameters():
        own = torch.optim.Adam([parameter])

        def update_alone(parameter, own=own):
            own.step()
            own.zero_grad()

        parameter.register_post_accumulate_grad_hook(update_alone)
    return lambda: loss_of(model(X), X).backward()


def vgg16():
    """Simonyan and Zisserman's configuration D, cut behind each nonlinearity and what pools it."""
    layers, n_channels = [], 3
    for width in (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0):
        if width:
            layers += [nn.Conv2d(n_channels, width, 3, padding=1), nn.ReLU()]
            n_channels = width
        else:
            layers += [nn.MaxPool2d(2)]
    layers += [nn.Flatten(), nn.Linear(512 * 7 * 7, 4096), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(4096, 4096), nn.ReLU(), nn.Linear(4096, 1000))


def vgg_step(name, device, n_images=1):
    torch.manual_seed(0)
    model = DirectFeedback(vgg16(), **WAYS[name]).to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-4)
    X = torch.randn((n_images, 3, 224, 224), device=device)
    y = torch.zeros(n_images, dtype=torch.long, device=device)
    return functools.partial(update, model, optimizer, X, y)


class Aggregated(nn.Module):
    """Averages over neighbours: the product with a sparse adjacency matrix."""

    def __init__(self, adjacency):
        super().__init__()
        self.adjacency = adjacency

    def forward(self, X):
        return self.adjacency @ X


def graph_step(name, device, n_nodes=200_000, n_edges=2_000_000):
    torch.manual_seed(0)
    ends = torch.randint(n_nodes, (2, n_edges))
    both = torch.cat([ends, ends.flip(0)], dim=1)
    values = torch.full((2 * n_edges,), n_nodes / (2 * n_edges))
    adjacency = torch.sparse_coo_tensor(both, values, (n_nodes, n_nodes)).coalesce()
    adjacency = adjacency.to_sparse_csr().to(device)
    X, y = torch.randn((n_nodes, 64), device=device), torch.randint(10, (n_nodes,), device=device)
    # Neighbours are part of the block before: its units get the error of theirs.
    net = nn.Sequential(
        nn.Linear(64, 64), nn.ReLU(), Aggregated(adjacency), nn.Linear(64, 64), nn.ReLU(),
        Aggregated(adjacency), nn.Linear(64, 10),
    )  # fmt: skip
    model = DirectFeedback(net, **WAYS[name]).to(device)
    return functools.partial(update, model, torch.optim.Adam(model.parameters()), X, y)


TASKS = {
    "epoch": (perceptron_epoch, ["PyTorch", *WAYS, "DFAClassifier", "MLPClassifier"]),
    "blocks": (transformer_step, list(BLOCKS)),
    "vgg": (vgg_step, list(WAYS)[:2]),
    "graph": (graph_step, list(WAYS)[:3]),
}


def timed(step, device):
    if device == "cuda":
        torch.cuda.synchronize()
    start = time.perf_counter()
    step()
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start


def peak(task, name, device):
    """MiB beyond network and data, of a first step."""
    if device == "cpu":
        return peak_memory(_prepare, _call, task, name)
    step = _prepare(task, name, device)
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    step()
    return (torch.cuda.max_memory_allocated() - before) / 2**20


def _prepare(task, name, device="cpu"):
    return TASKS[task][0](name, device)


def _call(step):
    step()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", default="torch_dfa.csv")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")  # one epoch does not converge
    rows = []
    for task in arguments.tasks:
        prepare, names = TASKS[task]
        steps = {name: prepare(name, arguments.device) for name in names}
        seconds = {name: [] for name in names}
        for number in range(arguments.rounds + 1):  # the first warms up
            for name, step in steps.items():
                taken = timed(step, arguments.device)
                if number:
                    seconds[name].append(taken)
        reference = np.median(seconds[names[0]])
        del steps
        for name in names:
            rows.append(
                {
                    "task": task,
                    "method": name,
                    "s": float(np.median(seconds[name])),
                    "as fast": float(reference / np.median(seconds[name])),
                    "peak MiB": round(peak(task, name, arguments.device)),
                }
            )
            print(rows[-1], flush=True)
    write_table(rows, arguments.output)


if __name__ == "__main__":
    main()
