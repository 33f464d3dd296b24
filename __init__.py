"""tunegate: clean the data, tune the model, prove nothing broke.

The public Python API. Nothing heavy is imported until a function is called.
"""

import sys as _sys
from pathlib import Path as _Path


def _hide_checkout_from_imports() -> None:
    """Drop `sys.path` entries in which `import evaluate` finds our stage and not the library that lm-eval needs.

    With the checkout as working directory (`python -m tunegate`, a notebook in the root) its folders are top-level
    names; our own imports are relative and need no such entry.
    """
    here = _Path(__file__).resolve().parent
    _sys.path[:] = [entry for entry in _sys.path if _Path(entry or ".").resolve() != here]


_hide_checkout_from_imports()
