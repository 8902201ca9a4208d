"""Light as a layer of a network, against the transformer and against derivatives."""

import copy
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

torch = pytest.importorskip("torch")

from skopu import OPU, Camera, GaussianMedium, LayeredMedium, OpticalRandomFeatures
from skopu.optics import Device
from skopu.torch import OPULayer

KERNELS = [("speckle", 2), ("speckle", 1), ("speckle", 3), ("arc_cosine", 1), ("arc_cosine", 2)]
KERNELS += [("rbf", None)]


@pytest.fixture
def X(rng):
    return torch.asarray(rng.normal(size=(6, 20)))


@pytest.mark.parametrize("medium", [LayeredMedium(), GaussianMedium()], ids=str)
@pytest.mark.parametrize(("kernel", "degree"), KERNELS)
def test_features_are_those_of_the_transformer(X, kernel, degree, medium):
    opu = OPU(medium, random_state=5)
    options = {"kernel": kernel, "degree": degree, "opu": opu, "random_state": 0}
    gamma = 1 / 20 if kernel == "rbf" else None
    expected = OpticalRandomFeatures(70, gamma=gamma, **options).fit_transform(X.numpy())
    assert_allclose(OPULayer(70, **options)(X), expected, rtol=1e-10, atol=1e-12)
    narrow = OPULayer(70, **options)(X.float())
    assert narrow.dtype == torch.float32
    assert_allclose(narrow, expected, rtol=1e-3, atol=1e-5)


def test_gradients_of_gradients(X):
    """Right where they are known, else an error; never without the part that is missing."""
    weights = torch.ones(20, dtype=torch.float64, requires_grad=True)

    def penalty(kernel):
        inputs = X.clone().requires_grad_()
        layer = OPULayer(30, kernel, random_state=0)
        (gradient,) = torch.autograd.grad(layer(weights * inputs).sum(), inputs, create_graph=True)
        return (gradient**2).sum()

    (found,) = torch.autograd.grad(penalty("arc_cosine"), weights)
    step = 1e-6
    with torch.no_grad():
        weights[3] += step
    more = penalty("arc_cosine").item()
    with torch.no_grad():
        weights[3] -= 2 * step
    assert_allclose(found[3], (more - penalty("arc_cosine").item()) / (2 * step), rtol=1e-5)
    with pytest.raises(RuntimeError, match="no second derivatives"):
        penalty("speckle").backward()


def test_a_width_that_would_need_data(X):
    with pytest.raises(ValueError, match="gamma must be a positive number"):
        OPULayer(30, "rbf", gamma="scale")(X)


@pytest.mark.parametrize("seed", [2**32 + 1, 2**63, 2**128 - 1])
def test_large_seeds_of_a_device_are_saved(seed):
    layer, other = (OPULayer(30, opu=OPU(random_state=seed - i)) for i in range(2))
    layer.load_state_dict(layer.state_dict())
    with pytest.raises(ValueError, match=f"saved with a device of seed {seed - 1}"):
        layer.load_state_dict(other.state_dict())


def test_default_device_follows_from_the_seed(X):
    expected = OpticalRandomFeatures(30, random_state=4).fit_transform(X.numpy())
    assert_allclose(OPULayer(30, random_state=4)(X), expected, rtol=1e-10)
    torch.manual_seed(0)
    first, second = OPULayer(30), OPULayer(30)
    torch.manual_seed(0)
    assert OPULayer(30).seed == first.seed != second.seed


@pytest.mark.parametrize("holography", ["phase_shifting", "internal_reference"])
@pytest.mark.parametrize("medium", [LayeredMedium(2), GaussianMedium()], ids=str)
@pytest.mark.parametrize(("kernel", "degree"), KERNELS)
def test_gradients(X, kernel, degree, medium, holography):
    opu = OPU(medium, holography=holography)
    layer = OPULayer(33, kernel, degree, opu=opu, random_state=0)
    assert torch.autograd.gradcheck(layer, X.requires_grad_())


def test_gradients_of_float32_on_many_inputs(rng):
    """Through transforms, where rows are long, in single precision."""
    X = torch.asarray(rng.normal(size=(3, 1500)))
    layer = OPULayer(4000, random_state=0)
    gradients = []
    for dtype in (torch.float64, torch.float32):
        rows = X.detach().to(dtype).requires_grad_()
        (layer(rows) ** 2).sum().backward()
        gradients.append(rows.grad)
    assert gradients[1].dtype == torch.float32
    assert_allclose(gradients[1], gradients[0], rtol=0, atol=1e-4 * gradients[0].abs().max())


def test_gradients_stop_on_request(X):
    layer = OPULayer(30, input_gradient=False, random_state=0)
    assert not layer(X.requires_grad_()).requires_grad


def test_a_dark_row_has_a_gradient_of_zero():
    X = torch.zeros((1, 5), requires_grad=True)
    OPULayer(30, degree=1, random_state=0)(X).sum().backward()
    assert not X.grad.any()


def test_noisy_readings_have_the_gradient_of_ideal_ones(X):
    gradients = []
    for camera in (None, Camera(bits=8, photons=100)):
        rows = X.clone().requires_grad_()
        OPULayer(40, opu=OPU(camera=camera))(rows).sum().backward()
        gradients.append(rows.grad)
    assert_array_equal(*gradients)


def test_shapes(rng):
    X = torch.asarray(rng.normal(size=(2, 3, 4, 5)))
    layer = OPULayer(7, random_state=0)
    assert layer(X).shape == (2, 3, 4, 7)
    assert_array_equal(layer(X)[1, 2], layer(X[1, 2]))
    assert layer(X[0, 0, 0]).shape == (7,)
    assert layer(X[:0]).shape == (0, 3, 4, 7)
    assert layer(X.transpose(0, 1)).shape == (3, 2, 4, 7)
    assert layer(X[..., :1].expand(2, 3, 4, 5)).shape == (2, 3, 4, 7)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision(X, dtype):
    layer = OPULayer(30, random_state=0)
    rows = X.to(dtype).requires_grad_()
    features = layer(rows)
    assert features.dtype == dtype
    assert_array_equal(features.detach().float(), layer(rows.detach().float()).to(dtype).float())
    features.sum().backward()
    assert rows.grad.dtype == dtype


def test_autocast(X):
    model = torch.nn.Sequential(
        torch.nn.Linear(20, 10), OPULayer(30, random_state=0), torch.nn.Linear(30, 2)
    )
    with torch.autocast("cpu", torch.bfloat16):
        output = model(X.float())
    assert output.dtype == torch.bfloat16
    output.float().sum().backward()
    assert all(each.grad is not None for each in model.parameters())


def test_integers_are_light(rng):
    X = torch.asarray(rng.integers(0, 2, (4, 9), dtype=np.uint8))
    layer = OPULayer(8, opu=OPU(input_bits=1))
    assert layer(X).dtype == torch.get_default_dtype()
    assert_array_equal(layer(X), layer(X.float()))
    with pytest.raises(ValueError, match="shows 0 and 1"):
        layer(3 * X)


def test_compiled(X):
    model = torch.nn.Sequential(OPULayer(30, random_state=0), torch.nn.Linear(30, 2)).double()
    compiled = torch.compile(model, backend="eager")
    rows = X.clone().requires_grad_()
    assert_array_equal(compiled(rows).detach(), model(X).detach())
    compiled(rows).sum().backward()
    assert rows.grad.abs().max() > 0


def test_state_is_a_seed(X, tmp_path):
    layer, other = OPULayer(30, "rbf", random_state=0), OPULayer(30, "rbf", random_state=1)
    other(X)
    torch.save(layer.state_dict(), tmp_path / "layer.pt")
    assert (tmp_path / "layer.pt").stat().st_size < 3000
    other.load_state_dict(torch.load(tmp_path / "layer.pt"))
    assert_array_equal(other(X), layer(X))
    assert_array_equal(pickle.loads(pickle.dumps(layer))(X), layer(X))
    assert_array_equal(copy.deepcopy(layer)(X), layer(X))


def test_state_of_another_glass_is_refused():
    layer = OPULayer(30, opu=OPU(random_state=1))
    layer.load_state_dict(layer.state_dict())
    with pytest.raises(ValueError, match=r"seed 1, and opu=.* is of seed 2"):
        OPULayer(30, opu=OPU(random_state=2)).load_state_dict(layer.state_dict())
    seedless = OPULayer(30, opu=OPU(GaussianMedium(), random_state=None), random_state=0)
    other = OPULayer(30, opu=OPU(GaussianMedium(), random_state=None), random_state=1)
    other.load_state_dict(seedless.state_dict())
    assert_array_equal(other(torch.ones(1, 4)), seedless(torch.ones(1, 4)))


def test_learns_through_light(rng):
    """A layer before the light learns what a layer behind it cannot."""
    torch.manual_seed(0)
    X = torch.asarray(rng.normal(size=(300, 10)), dtype=torch.float32)
    y = OPULayer(1, random_state=3)(X @ torch.ones(10, 5))  # of another glass
    losses = []
    for first in (torch.nn.Linear(10, 5), torch.nn.Identity()):
        last = torch.nn.Linear(20, 1)
        model = torch.nn.Sequential(first, OPULayer(20, "arc_cosine", random_state=0), last)
        optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
        for _ in range(300):
            optimizer.zero_grad()
            loss = torch.nn.functional.mse_loss(model(X), y) / y.var()
            loss.backward()
            optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[0] < losses[1] / 4


class Bench(Device):
    """A device that is known by its readings alone."""

    def intensity(self, X, n, *, repeat=1, first_exposure=0):
        return np.ones((len(X), n)) * (X**2).sum(axis=1, keepdims=True)


def test_a_bench_has_readings_and_no_gradient(X):
    assert OPULayer(5, opu=Bench())(X).shape == (6, 5)
    assert OPULayer(5, opu=Bench(), input_gradient=False)(X.requires_grad_()).shape == (6, 5)
    with pytest.raises(ValueError, match="which have no gradient"):
        OPULayer(5, opu=Bench())(X).sum().backward()


def test_bad_input(X):
    layer = OPULayer(5, random_state=0)
    layer(X)
    for wrong, message in [
        (X[:, :3], "has seen rows of 20 inputs, and now of 3"),
        (X + 1j, "takes real rows"),
        (torch.tensor(1.0), "takes real rows"),
        (X[:, :0], "at least one input"),
        (X / 0, "NaN or infinity"),
    ]:
        with pytest.raises(ValueError, match=message):
            layer(wrong)
    for options, message in [
        ({"n": 0}, "n must be"),
        ({"kernel": "sine"}, "kernel must be one of"),
        ({"opu": 3}, "opu must be an OPU"),
    ]:
        with pytest.raises(ValueError, match=message):
            OPULayer(**{"n": 5, **options})
    with pytest.raises(ValueError, match="has 10 outputs, 20 were asked for"):
        OPULayer(20, opu=OPU(max_outputs=10))(X)


def test_repr():
    assert repr(OPULayer(5, degree=3, random_state=0)).startswith(
        "OPULayer(n=5, kernel='speckle', degree=3, seed="
    )
