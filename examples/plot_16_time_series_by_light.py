"""
========================
16. Time series by light
========================

A camera that sees the last frame again has a memory. Show the glass an input together with what the
camera has just read, again and again, and the readings become a :term:`reservoir`: a fixed random
network that remembers its inputs, of which only a linear readout is trained [1]_ [2]_. Or show the
glass the last two inputs and no reading at all: then light makes products of the inputs, as *next
generation* reservoirs do [3]_ [4]_. We forecast chaos with both, and compare them with simpler
models and with the best forecast that noisy data allow.

After this notebook you can

- build a reservoir from :meth:`OPU.intensity <skopu.OPU.intensity>` in a few lines;
- forecast a chaotic series, and say for how many :term:`Lyapunov times <Lyapunov time>` the
  forecast holds;
- say what light computes from delayed inputs, and when a computer does it as well without light.
"""

# %%
# Two chaotic systems
# -------------------
# Lorenz's three equations, and the Kuramoto-Sivashinsky equation for a flame front on a circle of
# length 22, at 64 places. The first is integrated by Runge and Kutta's method, the second by the
# exponential variant of it that stiff equations need. Each function takes one time step for many
# runs at once, a row each.

import numpy as np


def lorenz(u, step=0.025):
    def rate(u):
        x, y, z = u.T
        return np.stack([10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z], axis=1)

    h = step / 2
    for _ in range(2):
        a = rate(u)
        b = rate(u + h / 2 * a)
        c = rate(u + h / 2 * b)
        d = rate(u + h * c)
        u = u + h / 6 * (a + 2 * b + 2 * c + d)
    return u


def flame(u, step=0.25, length=22):
    k = 2 * np.pi / length * np.arange(u.shape[1] // 2 + 1)
    linear = step * (k**2 - k**4)
    # Means over a circle about each value, as the formulas lose all digits near zero.
    r = linear[:, None] + np.exp(2j * np.pi * (np.arange(32) + 0.5) / 32)
    e = np.exp(r)
    weights = (
        (np.exp(r / 2) - 1) / r,
        (-4 - r + e * (4 - 3 * r + r**2)) / r**3,
        2 * (2 + r + e * (r - 2)) / r**3,
        (-4 - 3 * r - r**2 + e * (4 - r)) / r**3,
    )
    q, first, middle, last = (step * np.mean(w.real, axis=1) for w in weights)
    half = np.exp(linear / 2)

    def bend(v):
        return -0.5j * k * np.fft.rfft(np.fft.irfft(v) ** 2)

    v = np.fft.rfft(u)
    bend_v = bend(v)
    a = half * v + q * bend_v
    bend_a = bend(a)
    bend_b = bend(half * v + q * bend_a)
    bend_c = bend(half * a + q * (2 * bend_b - bend_v))
    return np.fft.irfft(half**2 * v + first * bend_v + middle * (bend_a + bend_b) + last * bend_c)


# Time step, number of variables, time step in Lyapunov times (known exponents 0.906 and 0.043).
systems = {"Lorenz": (lorenz, 3, 0.025 * 0.906), "flame": (flame, 64, 0.25 * 0.043)}

# %%
# Two trajectories that start close together part by a factor of e in each Lyapunov time. The
# data have noise, a thousandth of their standard deviation. So even the true equations, started
# from the last point that was seen, are wrong after some log(1000), or seven, Lyapunov times, and
# sooner, as some errors grow faster at first. They are our reference.
#
# For each seed eight runs of 500 steps train a model and eight others, from other starts, test
# it. The seed draws the starts, the noise and the glass.

n_train, n_steps, n_warm, noise = 8, 500, 50, 1e-3
trained, tested = slice(n_train), slice(n_train, None)


def make_runs(system, seed):
    """True and seen series, standardised, of shape (steps, runs, variables)."""
    step, width, _ = systems[system]
    rng = np.random.default_rng(seed)
    u = rng.normal(size=(2 * n_train, width))
    u -= u.mean(axis=1, keepdims=True)  # the flame keeps its mean
    runs = []
    for i in range(800 + n_steps):  # 800 steps lead to the attractor
        u = step(u)
        if i >= 800:
            runs.append(u)
    true = np.array(runs)
    mean, std = true[:, trained].mean(axis=(0, 1)), true[:, trained].std(axis=(0, 1))
    true = (true - mean) / std
    seen = true + noise * rng.normal(size=true.shape)
    return true, seen, lambda u: (step(u * std + mean) - mean) / std


# %%
# The models
# ----------
# A model is a function that takes the input u and what it remembers, and returns features and what
# it remembers next. The reservoir remembers the camera's reading. Light that is modulated in phase
# keeps its power whatever it shows, so the loop cannot run away; the modulator here has real
# amplitudes, so we show cosines and sines side by side. Lorenz's three numbers are shown thirty
# times each, so that the readings do not drown them.

from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from skopu import OPU, OpticalRandomFeatures

n = 900


def reservoir(seed, width):
    opu = OPU(random_state=seed)

    def read(u, state):
        phases = 0.3 * np.hstack([np.repeat(u, 90 // width, axis=1), state])
        light = np.hstack([np.cos(phases), np.sin(phases)]).astype(np.float32)
        state = opu.intensity(light, n) / phases.shape[1]  # 1 on average
        return np.hstack([u, state]), state

    return read, np.zeros((2 * n_train, n))


# %%
# The others remember the input before. Light squares, so that a reading is a random sum of all
# products of two of these numbers, and of the numbers themselves thanks to the 1.
# ``PolynomialFeatures`` makes the same products one by one. The weakest models have the two inputs
# alone, or say that nothing changes. (On such features: :doc:`/user_guide/kernel_machines`.)


def delayed(features, width, scale=0.1):
    def read(u, before):
        both = np.hstack([scale * u, scale * before, np.ones((len(u), 1))])
        return features.transform(both), u

    features.fit(np.ones((1, 2 * width + 1)))
    return read, np.zeros((2 * n_train, width))


models = {
    "reservoir": (reservoir, 1e-3),
    "light on delays": (
        lambda seed, width: delayed(OpticalRandomFeatures(n, random_state=seed), width),
        1e-2,
    ),
    "products of delays": (
        lambda seed, width: delayed(PolynomialFeatures(2, include_bias=False), width),
        1e-4,
    ),
    "delays": (
        lambda seed, width: delayed(PolynomialFeatures(1, include_bias=False), width),
        1e-4,
    ),
}

# %%
# Training and free run
# ---------------------
# A ridge learns by how much u changes in the next step; its penalties above come from a search on
# another seed. Then the model runs freely: its forecast is its next input. A forecast is *valid*
# as long as its error, the root mean square over the variables, is below 0.4 standard deviations.

from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline


def run_free(advance, u, memory):
    """Forecasts, held within ten standard deviations should they fly off."""
    forecasts = []
    for _ in range(n_steps - n_warm - 1):
        u, memory = advance(u, memory)
        u = np.clip(u, -10, 10)
        forecasts.append(u)
    return np.array(forecasts)


def train(model, alpha, seen):
    """Forecasts of the runs that test: free from step n_warm on, and of single steps."""
    read, memory = model
    rows = []
    for i, u in enumerate(seen[:-1]):
        features, memory = read(u, memory)
        rows.append(features)
        if i == n_warm - 1:
            start = memory[tested]
    rows = np.array(rows)[n_warm:]
    now, change = seen[n_warm:-1], np.diff(seen, axis=0)[n_warm:]
    ridge = make_pipeline(StandardScaler(), Ridge(alpha))
    ridge.fit(np.concatenate(rows[:, trained]), np.concatenate(change[:, trained]))

    def advance(u, memory):
        features, memory = read(u, memory)
        return u + ridge.predict(features), memory

    single = np.array(
        [u + ridge.predict(f) for u, f in zip(now[:, tested], rows[:, tested], strict=True)]
    )
    return run_free(advance, seen[n_warm, tested], start), single


def error_of(forecasts, true):
    """Of each step and run."""
    return np.sqrt(np.mean((forecasts - true[n_warm + 1 :, tested]) ** 2, axis=2))


def valid_time(error, lyapunov):
    """Mean over runs, in Lyapunov times."""
    wrong = error > 0.4
    steps = np.where(wrong.any(axis=0), wrong.argmax(axis=0), len(wrong))
    return steps.mean() * lyapunov


seeds = range(5)


def shown(values, digits=2):
    error = np.std(values, ddof=1) / np.sqrt(len(values))
    return f"{np.mean(values):.{digits}f} +- {error:.{digits}f}"


errors, times, last = {}, {}, {}
for system, (_, width, lyapunov) in systems.items():
    names = ["equations", *models, "nothing changes"]
    if system == "flame":
        names.remove("products of delays")  # there are 8385 of them
    steps = {name: [] for name in names}
    found = {name: [] for name in names}
    for seed in seeds:
        true, seen, equations = make_runs(system, seed)
        now = seen[n_warm:-1, tested]
        for name in names:
            if name == "equations":
                forecasts = run_free(lambda u, m: (equations(u), m), now[0], None)  # noqa: B023
                single = np.array([equations(u) for u in now])
            elif name == "nothing changes":
                single = now
                forecasts = np.broadcast_to(now[0], now.shape)
            else:
                make, alpha = models[name]
                forecasts, single = train(make(seed, width), alpha, seen)
            last[name] = forecasts
            found[name].append(error_of(forecasts, true))
            steps[name].append(1e3 * np.sqrt(np.mean(error_of(single, true) ** 2)))
    for name in names:
        errors[system, name] = np.array(found[name])
        times[system, name] = np.array([valid_time(e, lyapunov) for e in found[name]])
        early = [np.sqrt(np.mean(e[:200] ** 2, axis=0)).mean() for e in found[name]]
        print(f"{system}, {name}, error of a step {shown(steps[name])} thousandths")
        print(f"{system}, {name}, error of 200 steps {shown(early)}")
        print(f"{system}, {name}, valid for {shown(times[system, name])} Lyapunov times")

for system, name, other in (
    ("Lorenz", "reservoir", "equations"),
    ("Lorenz", "light on delays", "products of delays"),
    ("Lorenz", "light on delays", "reservoir"),
    ("flame", "light on delays", "reservoir"),
):
    gain = times[system, name] - times[system, other]
    print(f"{system}, {name} beyond {other}: {shown(gain)} Lyapunov times")

# %%
# Numbers after +- are standard errors over seeds; each seed is a mean over eight runs, and
# differences are within a seed. Two inputs without products forecast next to nothing. With them:
#
# - On Lorenz, light on delays forecasts as far as the explicit products, as it is the same model.
#   Seven numbers have 28 products, and 900 random sums of these say no more than the 28
#   themselves. Here nobody needs light.
# - The flame has 8385 products, and 900 random sums of them forecast about ten times as far as the
#   inputs alone. Here random sums save work.
# - The reservoir forecasts at least as far as light on delays on both, on the flame by a third of
#   a Lyapunov time. Its error of a single step of Lorenz is half that of the true equations:
#   it has seen more than the last point, and averages noise over the past. In free run
#   this advantage is lost among the errors of the model.
# - On the flame all models stay far behind the equations.
#
# An experiment with two delayed inputs [4]_ reports a normalised error of 0.097 over the first 5
# time units of Lorenz, our 200 steps, with 2000 readings and 4000 steps of training. Ours is of
# that order. That was one run, with its own noise, time step and norm, so read no more into it.
#
# Errors grow
# -----------
# Mean over seeds and runs; bands are standard errors over seeds. The dotted line is where a
# forecast stops being valid.

import matplotlib.pyplot as plt

figure, axes = plt.subplots(1, 2, figsize=(10, 4), sharey=True, layout="constrained")
colors = dict(
    zip(["equations", *models, "nothing changes"], ["k", "C0", "C1", "C2", "C3", "C4"], strict=True)
)
for axis, (system, (_, _, lyapunov)) in zip(axes, systems.items(), strict=True):
    for name, color in colors.items():
        if (system, name) in errors:
            each = np.sqrt(np.mean(errors[system, name] ** 2, axis=2))
            mean, error = each.mean(axis=0), np.std(each, axis=0, ddof=1) / np.sqrt(len(each))
            time = np.arange(1, len(mean) + 1) * lyapunov
            axis.plot(time, mean, color=color, label=name)
            axis.fill_between(time, mean - error, mean + error, color=color, alpha=0.25)
    axis.axhline(0.4, color="k", linestyle=":", linewidth=1)
    axis.set(title=system, xlabel="time, Lyapunov times", yscale="log", xlim=(0, 7), ylim=(3e-4, 3))
axes[1].set_xlim(0, 4.5)
axes[0].set_ylabel("error, standard deviations")
axes[0].legend(loc="lower right")
plt.show()

# %%
# A flame, its forecast by light on delays, and their difference, for the last seed.

true_flame, forecast = true[n_warm + 1 :, n_train], last["light on delays"][:, 0]
figure, axes = plt.subplots(3, 1, figsize=(8, 5), sharex=True, layout="constrained")
parts = {"true": true_flame, "forecast": forecast, "difference": forecast - true_flame}
for axis, (title, values) in zip(axes, parts.items(), strict=True):
    extent = (0, len(values) * systems["flame"][2], 0, 22)
    image = axis.imshow(
        values.T, extent=extent, aspect="auto", vmin=-3, vmax=3, cmap="RdBu", origin="lower"
    )
    axis.set(title=title, ylabel="place")
axes[-1].set_xlabel("time, Lyapunov times")
figure.colorbar(image, ax=axes, label="standard deviations")
plt.show()

# %%
# Exercise 1: eight bits
# ----------------------
# Read Lorenz's delays with a camera of eight bits, ``Camera(bits=8)``. For how long is the forecast
# valid? Which of light's numbers does the camera round away?
#
# .. raw:: html
#
#     <details><summary>Solution</summary>

from skopu import Camera

valid = []
for seed in seeds:
    true, seen, _ = make_runs("Lorenz", seed)
    opu = OPU(camera=Camera(bits=8), random_state=seed)
    forecasts, _ = train(delayed(OpticalRandomFeatures(n, opu=opu), 3), 1e-2, seen)
    valid.append(valid_time(error_of(forecasts, true), systems["Lorenz"][2]))
loss = times["Lorenz", "light on delays"] - valid
print(f"Exercise 1: eight bits cost {shown(loss)} Lyapunov times")

# %%
# More than half of the horizon. At our scale of 0.1 most of the light is the constant 1. Products
# are about a hundredth of it, less than a step of the camera. A larger scale would give them more
# of the range, but needs another penalty; try it.
#
# .. raw:: html
#
#     </details>

# %%
# Exercise 2: how many readings?
# ------------------------------
# Seven numbers have 28 products. Forecast single steps of Lorenz from 10, 20, 40 and 80 readings,
# and compare their error with that of the products. All rows can be read at once. How many
# readings are enough? Then take 28, once with this penalty and once with 1e-9.
#
# .. raw:: html
#
#     <details><summary>Solution</summary>


def step_error(features, seen, true, alpha=1e-4):
    u, before = 0.1 * seen[1:-1], 0.1 * seen[:-2]
    both = np.concatenate([u, before, np.ones_like(u[..., :1])], axis=2)
    change = np.diff(seen[1:], axis=0)
    model = make_pipeline(features, StandardScaler(), Ridge(alpha))
    model.fit(np.concatenate(both[:, trained]), np.concatenate(change[:, trained]))
    forecast = model.predict(np.concatenate(both[:, tested]))
    aim = np.concatenate((true[2:] - seen[1:-1])[:, tested])
    return 1e3 * np.sqrt(np.mean((forecast - aim) ** 2))


sets = [make_runs("Lorenz", seed)[:2] for seed in seeds]
products = [step_error(PolynomialFeatures(2), seen, true) for true, seen in sets]
print(f"Exercise 2: products {shown(products, 3)} thousandths")
for k, alpha in ((10, 1e-4), (20, 1e-4), (28, 1e-4), (28, 1e-9), (40, 1e-4), (80, 1e-4)):
    light = [
        step_error(OpticalRandomFeatures(k, random_state=seed), seen, true, alpha)
        for seed, (true, seen) in zip(seeds, sets, strict=True)
    ]
    more = shown(np.subtract(light, products), 4)
    print(f"Exercise 2: {k} readings, penalty {alpha:g}, beyond products {more}")

# %%
# 28 are enough in principle: any 28 independent sums of the products span the same functions, and
# with hardly any penalty they are no worse. But 28 random sums are badly conditioned: some
# combinations of products are weak in all of them, and the penalty then costs accuracy. A few more
# mend that: from 40 on there is next to nothing to gain.
#
# .. raw:: html
#
#     </details>

# %%
# .. rubric:: References
#
# .. [1] J. Dong et al., "Optical reservoir computing using multiple light scattering for chaotic
#    systems prediction", IEEE Journal of Selected Topics in Quantum Electronics 26, 2020.
# .. [2] M. Rafayelyan et al., "Large-scale optical reservoir computing for spatiotemporal chaotic
#    systems prediction", Physical Review X 10, 041037, 2020.
# .. [3] D. J. Gauthier et al., "Next generation reservoir computing", Nature Communications 12,
#    2021.
# .. [4] H. Wang et al., "Optical next generation reservoir computing", Light: Science &
#    Applications 14, 2025.
