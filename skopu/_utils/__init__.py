"""The ground floor: arrays of any library, checks, threads, random streams, progress.

Everything above may import it; it imports nothing of skopu but itself.
"""
