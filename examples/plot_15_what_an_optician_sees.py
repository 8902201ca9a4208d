"""
=========================
15. What an optician sees
=========================

skopu hands out one number for each mode, and a data scientist asks no more. An optician does: how
large are the grains, what lowers their contrast, is the glass thin or thick, and what can a camera
say about the phase of light? Here are four laws of speckle, each measured beside its formula. J. W.
Goodman's book *Speckle Phenomena in Optics* derives most of them; the guide has more on
:doc:`the device </user_guide/device>`.

After this notebook you can

- choose the size of a grain on a camera, and say why a pixel should be smaller than one;
- predict the contrast from the number of patterns that add up;
- tell thin glass from thick glass by tilting the light;
- say which part of a transmission matrix intensities cannot tell, and who needs it.
"""

# %%
# The size of a grain
# -------------------
# A laser lights a square of side D on a diffuser, whose roughness gives each point a random phase.
# In the :term:`far field` at a distance z, or in the focal plane of a lens of focal length z, the
# field is the Fourier transform of the light in the square. Intensities at two points of the
# camera correlate by the squared Fourier transform of what is lit:
#
# .. math::
#
#     C(\Delta) = \operatorname{sinc}^2 (\Delta / g), \qquad g = \lambda z / D,
#     \qquad \operatorname{sinc} u = \sin(\pi u) / (\pi u).
#
# So g is the size of a :term:`grain`: it depends on the lit square, not on the glass. With 500 nm,
# D = 5 mm and a lens of 100 mm it is 10 micrometres, some three pixels of a common camera. (Without
# a lens the far field begins beyond :math:`D^2 / \lambda`, here 50 m. Behind a rough diffuser, this
# law of the correlation holds much nearer, too.) On the computer, dark points around the square
# (zero-padding) make the points of a frame finer: m times as many points a side are m points a
# grain. A point has no area; what the area of a pixel does comes further down.

import matplotlib.pyplot as plt
import numpy as np
import scipy.fft

from skopu import OPU, GaussianMedium, LayeredMedium, MeasuredMedium
from skopu.optics.flaws import PartialCoherence

seeds = range(10)


def estimate(values, digits=3):
    """Mean over seeds, and its standard error."""
    error = np.std(values, ddof=1) / np.sqrt(len(values))
    return f"{np.mean(values):.{digits}f} +- {error:.{digits}f}"


def speckle(rng, lit=64, side=256):
    """Frame of side x side points, of mean 1, behind a diffuser of which a square is lit."""
    diffuser = np.exp(2j * np.pi * rng.random((lit, lit))) / lit
    return abs(scipy.fft.fft2(diffuser, (side, side))) ** 2


figure, axes = plt.subplots(1, 3, figsize=(10, 3.6), layout="constrained")
for axis, m in zip(axes, (1, 2, 4), strict=True):
    frame = speckle(np.random.default_rng(seeds[0]), side=64 * m)
    axis.imshow(frame[: 16 * m, : 16 * m], cmap="gray", vmin=0, vmax=5)
    name = f"{m} point{'s' * (m > 1)} a grain"
    axis.set(title=name, xlabel="point", ylabel="point")

# %%
# All three show the same 16 x 16 grains of the same speckle. With one point a grain it looks like
# static on a television: neighbours are independent. For an optical processing unit that is best,
# since each point is then a feature of its own, and it is what skopu simulates. A laboratory that
# wants to see the speckle takes two points a grain at least: intensity varies twice as fast as the
# field, so that this many are needed to draw it without loss.

print("Correlation of neighbouring points")
for m in (1, 2, 4):
    found = []
    for seed in seeds:
        frame = speckle(np.random.default_rng(seed), side=64 * m)
        found.append(np.corrcoef(frame.ravel(), np.roll(frame, 1, axis=1).ravel())[0, 1])
    print(f"  {m} a grain: {estimate(found)}, theory {np.sinc(1 / m) ** 2:.3f}")

# %%
# The width of the correlation is the inverse of the aperture. Error bars here and below are
# standard errors over the seeds, often smaller than their points. Lines are theory, with nothing
# fitted. Correlations are computed between points, too, to read their widths off.

side, finer = 512, 256
figure, axis = plt.subplots(figsize=(6.2, 3.8), layout="constrained")
for i, lit in enumerate((32, 64, 128)):
    found = []
    for seed in seeds:
        changes = speckle(np.random.default_rng(seed), lit, side)
        changes -= changes.mean()
        power = abs(scipy.fft.rfft(changes, axis=1)) ** 2  # whose transform is the correlation
        correlation = scipy.fft.irfft(power.sum(axis=0), finer * side)[: 25 * finer]
        found.append(correlation / correlation[0])
    mean, error = np.mean(found, axis=0), np.std(found, axis=0, ddof=1) / np.sqrt(len(seeds))
    points = np.arange(25)
    label = f"{lit} of {side} points lit"
    axis.errorbar(
        points, mean[points * finer], error[points * finer], fmt=f"C{i}o", ms=4, label=label
    )
    distances = np.arange(25 * finer) / finer
    axis.plot(distances, np.sinc(distances * lit / side) ** 2, f"C{i}-", linewidth=1)
    widths = [(2 * np.argmax(curve < 0.5) - 1) / finer for curve in found]
    print(f"Full width at half maximum, {lit:3} points lit: {estimate(widths)} points")
    print(f"  theory: 0.886 grains, which are {0.886 * side / lit:.3f} points")
axis.set(xlabel="distance on the camera (points)", ylabel="correlation of intensities")
_ = axis.legend()

# %%
# Contrast
# --------
# The :term:`contrast` of polarised, fully developed speckle is 1: the standard deviation of the
# intensity is its mean. N patterns of equal power that add up without interference have a contrast
# of :math:`1 / \sqrt N`: the two polarisations of light that glass has depolarised (N = 2), the
# patterns of a diffuser that moves while the shutter is open, or the colours of a laser that is
# not quite monochromatic. In skopu it is :class:`~skopu.optics.flaws.PartialCoherence`.


def contrast(frame):
    return frame.std() / frame.mean()


numbers = np.array([1, 2, 4, 8, 16, 32])
moving, incoherent = np.empty((2, len(seeds), len(numbers)))
for row, seed in enumerate(seeds):
    rng = np.random.default_rng(seed)
    frames = [speckle(rng, 64, 64) for _ in range(numbers[-1])]
    for column, n_patterns in enumerate(numbers):
        moving[row, column] = contrast(np.sum(frames[:n_patterns], axis=0))
        glass = PartialCoherence(GaussianMedium(), n_speckles=n_patterns)
        frame = OPU(glass, random_state=seed).intensity(np.ones((1, 64)), 4096)
        incoherent[row, column] = contrast(frame)
for column, n_patterns in enumerate(numbers):
    print(f"N = {n_patterns}, theory: contrast {n_patterns**-0.5:.3f}")
    print(f"N = {n_patterns}, moving diffuser: {estimate(moving[:, column])}")
    print(f"N = {n_patterns}, PartialCoherence: {estimate(incoherent[:, column])}")

# %%
# A pixel adds up what falls on its area, too. We take frames with m = 8 points a grain, and sum
# squares of k x k points to a pixel. Each of the two axes multiplies the variance by the same q,
# and the contrast by its square root, so that q is the contrast:
#
# .. math::
#
#     q = \frac{1}{k} \sum_{|j| < k} \left(1 - \frac{|j|}{k}\right)
#     \operatorname{sinc}^2 \frac{j}{m},
#
# which is 1 for small pixels, and for large ones m / k: they see :math:`(k / m)^2` grains. A pixel
# as large as a grain (k = m) has a contrast of 0.66 already. So a camera needs pixels of about a
# third of a grain, with a contrast of 0.94, and then skips pixels, so that those it uses are
# independent.


def summed_contrast(k, m=8):
    j = np.arange(1 - k, k)
    return np.sum((1 - abs(j) / k) * np.sinc(j / m) ** 2) / k


points = np.array([1, 2, 4, 8, 16, 32, 64])
summed = np.empty((len(seeds), len(points)))
for row, seed in enumerate(seeds):
    frame = speckle(np.random.default_rng(seed), 128, 1024)
    for column, k in enumerate(points):
        pixels = frame.reshape(1024 // k, k, 1024 // k, k).sum(axis=(1, 3))
        summed[row, column] = contrast(pixels)
for column, k in enumerate(points):
    print(f"pixels of {k / 8:g} grains a side: contrast {estimate(summed[:, column])}")
    print(f"  theory: {summed_contrast(k):.3f}")

figure, axes = plt.subplots(1, 2, figsize=(10, 3.8), sharey=True, layout="constrained")
for values, marker, name in ((moving, "o", "moving diffuser"), (incoherent, "x", "n_speckles")):
    error = values.std(axis=0, ddof=1) / np.sqrt(len(seeds))
    axes[0].errorbar(numbers, values.mean(axis=0), error, fmt=marker, label=name)
axes[0].plot(numbers, numbers**-0.5, "k-", linewidth=1, label="theory")
axes[0].set(xlabel="patterns that add up", ylabel="contrast")
error = summed.std(axis=0, ddof=1) / np.sqrt(len(seeds))
axes[1].errorbar(points / 8, summed.mean(axis=0), error, fmt="o", label="sums of points")
curve = [summed_contrast(k) for k in range(1, 81)]
axes[1].plot(np.arange(1, 81) / 8, curve, "k-", linewidth=1, label="theory")
axes[1].set(xlabel="side of a pixel (grains)")
for axis, ticks in zip(axes, (numbers, points / 8), strict=True):
    axis.set(xscale="log", yscale="log")
    axis.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axis.set_yticks([0.1, 0.2, 0.5, 1], ["0.1", "0.2", "0.5", "1"])
    axis.minorticks_off()
    axis.legend()

# %%
# Thin or thick?
# --------------
# Tilt the laser a little. Behind a thin diffuser the speckle is the same, and moves along: the
# :term:`memory effect`. A tilt is a phase ramp over the light; a Fourier transform turns it into a
# shift. In thick glass the light of a tilted beam also lands elsewhere at each depth, and meets
# other glass there.
#
# A stack of masks, with a little free space between them, has both limits. To keep it simple, light
# here has one dimension. A tilt by one step moves the far speckle by one pixel, and the light by
# ``gap`` points from each mask to the next.

n_points, gap = 4096, 1 / 16
place = np.arange(n_points)
frequency = scipy.fft.fftfreq(n_points, 1 / n_points)
free_space = np.exp(-1j * np.pi * gap * frequency**2 / n_points)


def tilted(step):
    return np.exp(2j * np.pi * step * place / n_points)


def far_speckle(masks, light):
    """What the camera sees of light behind masks, with a gap between each and the next."""
    light = light * masks[0]
    for mask in masks[1:]:
        light = mask * scipy.fft.ifft(free_space * scipy.fft.fft(light))
    return abs(scipy.fft.fft(light)) ** 2


def likeness(masks, steps):
    """Correlation of the speckle of tilted light, moved back, with that of straight light."""
    straight = far_speckle(masks, tilted(0))
    moved = [np.roll(far_speckle(masks, tilted(step)), -step) for step in steps]
    return [np.corrcoef(straight, each)[0, 1] for each in moved]


def stack(seed, n_masks):
    return np.exp(2j * np.pi * np.random.default_rng(seed).random((n_masks, n_points)))


figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True, layout="constrained")
for axis, n_masks in zip(axes, (1, 5), strict=True):
    masks = stack(seeds[0], n_masks)
    lines = [far_speckle(masks, tilted(step))[:60] for step in range(25)]
    axis.imshow(lines, cmap="gray", vmin=0, vmax=4 * n_points, aspect="auto", origin="lower")
    axis.set(title=f"{n_masks} mask{'s' * (n_masks > 1)}", xlabel="camera (pixels)")
_ = axes[0].set_ylabel("tilt (steps)")

# %%
# Each line is the speckle of one tilt. Stripes are grains that move along: they cross the whole
# picture behind one mask, and fade behind five.
#
# There is a law for that, too. Light that enters at one point leaves the stack spread over some
# width. The field correlates by the Fourier transform of that spread, and the intensity by its
# square: the wider the spread, the less tilt the speckle remembers. Here, each mask sends light in
# all the directions there are, so that each gap spreads it evenly over ``gap * n_points`` points,
# and n masks give :math:`\operatorname{sinc}^{2(n-1)}(\text{gap} \cdot \text{steps})`.

steps = np.arange(0, 25, 2)
figure, axis = plt.subplots(figsize=(6.2, 3.8), layout="constrained")
for i, n_masks in enumerate((1, 2, 3, 5, 9)):
    found = [likeness(stack(seed, n_masks), steps) for seed in seeds]
    error = np.std(found, axis=0, ddof=1) / np.sqrt(len(seeds))
    label = f"{n_masks} mask{'s' * (n_masks > 1)}"
    axis.errorbar(steps, np.mean(found, axis=0), error, fmt=f"C{i}o", ms=4, label=label)
    fine = np.linspace(0, steps[-1], 200)
    law = np.sinc(gap * fine) ** (2 * n_masks - 2)
    axis.plot(fine, law, f"C{i}-", linewidth=1)
    print(f"{label}, tilt of 8 steps: {estimate(np.array(found)[:, steps == 8])}")
    print(f"  theory: {np.sinc(8 * gap) ** (2 * n_masks - 2):.3f}")
axis.set(xlabel="tilt (steps)", ylabel="correlation of moved speckle")
_ = axis.legend()

# %%
# In :class:`~skopu.LayeredMedium` light goes to its far field from each mask to the next: it
# spreads over the whole of the next mask. With two masks or more nothing is left of the memory
# after a single step.

for n_masks in (1, 2, 3):
    found = []
    for seed in seeds:
        glass = LayeredMedium(n_masks, random_state=seed).as_linear_operator(1024, 1024)
        light = np.exp(2j * np.pi * np.outer(np.arange(1024), [0, 1]) / 1024)
        straight, moved = abs(glass @ light).T ** 2
        found.append(np.corrcoef(straight, np.roll(moved, -1))[0, 1])
    print(f"LayeredMedium({n_masks}), one step: {estimate(found)}")

# %%
# For an optical processing unit memory is a fault: what one mode of a thin diffuser reads of a
# beam, its neighbour reads of a tilted beam. They are not independent features. For a microscope
# that looks through skin it is a gift: one measurement serves all beams within the range.
#
# Phases that do not matter
# -------------------------
# A camera reads :math:`|r_m \cdot x|^2`. Multiply row m of the :term:`transmission matrix` by a
# phase :math:`e^{i \varphi_m}`, and no intensity changes, whatever x is. So no measurement with
# intensities alone can find these phases: two matrices that differ in them make the same frames.
# What else changes, and what does not?

n_inputs, n_modes = 64, 500
same = {"intensities": [], "singular values": [], "inner products of projections": []}
other = {"projections": [], "intensities in another plane": []}
for seed in seeds:
    rng = np.random.default_rng(seed)
    matrix = GaussianMedium(random_state=seed).transmission_matrix(n_inputs, n_modes)
    turned = np.exp(2j * np.pi * rng.random((n_modes, 1))) * matrix
    X = rng.random((20, n_inputs))
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    devices = [OPU(MeasuredMedium(each)) for each in (matrix, turned)]
    projections = [opu.linear(X, 2 * n_modes) for opu in devices]  # two of each mode
    pairs = {
        "intensities": [opu.intensity(X, n_modes) for opu in devices],
        "singular values": [np.linalg.svd(each, compute_uv=False) for each in (matrix, turned)],
        "inner products of projections": [Z @ Z.T for Z in projections],
        "projections": projections,
        # Behind a lens, the field on the camera makes its Fourier transform.
        "intensities in another plane": [
            abs(scipy.fft.fft(X @ each.T)) ** 2 for each in (matrix, turned)
        ],
    }
    for name, values in same.items():
        before, after = pairs[name]
        values.append(abs(after - before).max() / before.max())
    for name, values in other.items():
        before, after = pairs[name]
        values.append(np.corrcoef(before.ravel(), after.ravel())[0, 1])

print("When each row gets a random phase")
for name, values in same.items():
    print(f"  {name} change by {max(values):.0e} of the largest, at most")
for name, values in other.items():
    print(f"  correlation of {name} with those before: {estimate(values)}")

# %%
# - Intensities, and with them the speckle kernel, are the same up to rounding. So are singular
#   values and right singular vectors: which light passes best, one can know without phases.
# - Projections by :term:`holography` are other numbers, of the same law. Their inner products are
#   the same again, since a phase only rotates the real part of a mode into the imaginary part.
# - In another plane the speckle is another one: there, the light of all modes interferes. Anyone
#   who wants the field at the output, to refocus it for example, has to measure these phases with
#   a reference beam that does not go through the glass.
#
# So :func:`~skopu.bench.measure_transmission_matrix` does without such a beam
# (:doc:`notebook 11 </auto_examples/plot_11_your_own_bench>`): kernels, sketches and a focus at one
# mode need no phases of rows. With mirrors, whose light has real amplitudes, one thing more remains
# unknown: a row and its complex conjugate give the same intensities.
#
# Exercise 1: half polarised
# --------------------------
# Glass has depolarised light in part: one polarisation has the power 1 + P, the other 1 - P. Which
# contrast do you expect for P = 0.5? Add two patterns and measure it.
#
# .. raw:: html
#
#     <details><summary>Solution</summary>

found = []
for seed in seeds:
    rng = np.random.default_rng(seed)
    found.append(contrast(1.5 * speckle(rng, 64, 64) + 0.5 * speckle(rng, 64, 64)))
print(f"Half polarised, contrast: {estimate(found)}, theory {np.sqrt((1 + 0.5**2) / 2):.3f}")

# %%
# Variances add up: :math:`(1 + P)^2 + (1 - P)^2`, over the squared mean, 4, is
# :math:`(1 + P^2) / 2`. Unequal patterns count as fewer: here as 1.6.
#
# .. raw:: html
#
#     </details>

# %%
# Exercise 2: a round beam
# ------------------------
# Light a disc of diameter D in place of the square. Where is the first zero of the correlation?
#
# .. raw:: html
#
#     <details><summary>Solution</summary>

inside = np.hypot(*(np.mgrid[:64, :64] - 31.5)) < 32
at_grain, at_airy = [], []
for seed in seeds:
    diffuser = np.exp(2j * np.pi * np.random.default_rng(seed).random((64, 64)))
    frame = abs(scipy.fft.fft2(diffuser * inside, (640, 640))) ** 2  # ten points a grain
    at_grain.append(np.corrcoef(frame.ravel(), np.roll(frame, 10, axis=1).ravel())[0, 1])
    at_airy.append(np.corrcoef(frame.ravel(), np.roll(frame, 12, axis=1).ravel())[0, 1])
print(f"Disc, at lambda z / D:     {estimate(at_grain)}, theory 0.033")
print(f"Disc, at 1.2 lambda z / D: {estimate(at_airy)}, theory 0.000")

# %%
# At 1.22 grains: the correlation is the picture of a star in a telescope of that aperture, the Airy
# pattern :math:`(2 J_1(\pi u) / \pi u)^2`.
#
# .. raw:: html
#
#     </details>

# %%
# Exercise 3: focus
# -----------------
# An SLM shifts the phase of each of 256 pixels so that the light of all arrives at a mode in step.
# How much brighter is it there? Does it matter that the row is known up to a phase only? And that
# it may be the complex conjugate?
#
# .. raw:: html
#
#     <details><summary>Solution</summary>

focus = {"known row": [], "row of unknown phase": [], "conjugate row": []}
for seed in seeds:
    matrix = GaussianMedium(random_state=seed).transmission_matrix(256, 20)
    phase = np.exp(2j * np.pi * np.random.default_rng(seed).random())
    for name, known in zip(focus, (matrix, phase * matrix, matrix.conj()), strict=True):
        light = np.exp(-1j * np.angle(known))
        focus[name].append(np.mean(abs(np.sum(matrix * light, axis=1)) ** 2 / 256))
for name, values in focus.items():
    print(f"{name}: brighter by a factor of {estimate(values, 1)}")
print(f"theory: {1 + np.pi / 4 * 255:.1f}")

# %%
# The factor is :math:`1 + (N - 1) \pi / 4` for N pixels. A common phase of the light changes
# nothing. The conjugate makes no focus: a bench that shifts phases has to tell the two apart, and a
# test with light of complex amplitudes does.
#
# .. raw:: html
#
#     </details>
