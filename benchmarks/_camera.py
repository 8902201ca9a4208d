"""The noisy camera of the tables of training and of the papers."""

from skopu import Camera

NOISY = Camera(bits=8, photons=1000, read_noise=0.01)
