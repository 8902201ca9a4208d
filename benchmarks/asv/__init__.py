"""Time, peak memory and accuracy of the main operations, commit by commit, by asv."""
