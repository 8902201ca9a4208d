"""Settings of the whole suite."""

import os

# Else scikit-learn skips one of its checks. SciPy reads it when it is first imported.
os.environ["SCIPY_ARRAY_API"] = "1"
