"""What `matinee doctor` reports of the machine and the installation."""

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from matinee._version import __version__
from matinee.threads import available_cores

PACKAGES = ("numpy", "numba", "polars", "safetensors", "torch")


def diagnose() -> dict[str, Any]:
    """Names and values, in the order in which people read them."""
    import numpy as np
    from threadpoolctl import threadpool_info

    from matinee.datasets import cache_folder
    from matinee.kernels import are_compiled, kernel_cache

    np.ones((2, 2)) @ np.ones((2, 2))  # loads the BLAS library, so that it can be asked
    blas = [f"{pool['internal_api']} {pool['version']}, {pool['num_threads']} threads" for pool in threadpool_info()]
    return {
        "matinee": __version__,
        "python": f"{platform.python_version()} at {sys.executable}",
        "system": f"{platform.system()} {platform.machine()}",
        **{name: _version(name) for name in PACKAGES},
        "cores": available_cores(),
        "blas": "; ".join(blas) or "none found",
        "devices": ", ".join(_devices()),
        "kernels": f"{'compiled' if are_compiled() else 'not compiled yet'}, cached in {kernel_cache()}",
        "data_cache": str(cache_folder()),
        "matinee_data": os.environ.get("MATINEE_DATA", "not set"),
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _devices() -> list[str]:
    """The CPU, and what PyTorch finds beside it where PyTorch is installed."""
    try:
        import torch
    except ImportError:
        return ["cpu"]
    found = ["cpu"]
    found += [f"cuda:{i} {torch.cuda.get_device_name(i)}" for i in range(torch.cuda.device_count())]
    return found + (["mps"] if torch.backends.mps.is_available() else [])
