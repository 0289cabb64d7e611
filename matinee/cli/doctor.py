"""matinee doctor: versions and settings of this machine, to be quoted in bug reports."""

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version

import click

from matinee._version import __version__
from matinee.cli.options import json_option
from matinee.cli.output import as_json, table

PACKAGES = ("numpy", "numba", "polars", "safetensors", "torch")
EXTRAS = {
    "neural": ("torch",),
    "serve": (
        *("alembic", "fastapi", "fastapi-offline", "httptools", "orjson", "prometheus-client"),
        *("python-multipart", "segno", "uvicorn"),
    ),
    "tune": ("optuna",),
    "map": ("umap-learn",),
    "client": ("h11", "httpx"),
    "spark": ("pyspark",),
}
"""The optional parts, and the packages without which they do not work."""


@click.command()
@json_option
def doctor(as_json_: bool) -> None:
    """Show versions, threads, BLAS, caches and devices."""
    facts = _facts()
    if as_json_:
        as_json(facts)
    else:
        table(("", ""), [(name.replace("_", " "), str(value)) for name, value in facts.items()])


def _facts() -> dict[str, object]:
    """Names and values, in the order in which they are shown."""
    from matinee.data.datasets.fetch import cache_folder
    from matinee.threads import available_cores

    return {
        "matinee": __version__,
        "python": f"{platform.python_version()} at {sys.executable}",
        "system": f"{platform.system()} {platform.machine()}",
        **{name: _version(name) for name in PACKAGES},
        "cores": available_cores(),
        "threads": _threads(),
        "vectors": _vectors(),
        "blas": _blas(),
        "devices": ", ".join(_devices()),
        "optional_parts": _optional_parts(),
        "kernels": _kernels(),
        "data_cache": str(cache_folder()),
        "matinee_data": os.environ.get("MATINEE_DATA", "not set"),
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _optional_parts() -> str:
    """Which extras are installed, and what installs the others."""
    missing = [
        name
        for name, packages in EXTRAS.items()
        if "not installed" in [_version(package) for package in packages]
    ]
    if not missing:
        return "all installed"
    there = ", ".join(name for name in EXTRAS if name not in missing) or "none"
    return f"{there}; missing: {', '.join(missing)}: pip install 'matinee[{','.join(missing)}]'"


def _blas() -> str:
    import numpy as np
    from threadpoolctl import threadpool_info

    np.ones((2, 2)) @ np.ones(
        (2, 2)
    )  # threadpoolctl sees a BLAS library only after NumPy has loaded it
    pools = [
        f"{pool['internal_api']} {pool['version']}, {pool['num_threads']} threads"
        for pool in threadpool_info()
    ]
    return "; ".join(pools) or "none found"


def _threads() -> str:
    """How many threads run kernels, and what caps them."""
    from matinee.threads import available_cores

    caps = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
    given = [f"{name}={os.environ[name]}" for name in caps if name in os.environ]
    told = f"{available_cores()} for kernels, each with 1 of BLAS"
    return "; ".join([told, *given])


def _vectors() -> str:
    """How the kernels compute."""
    from matinee.kernels.vectors import LANES, TILE

    return f"{LANES} floats at a time, sums of {TILE} rows in registers"


def _devices() -> list[str]:
    """The CPU, followed by the accelerators that PyTorch finds if it is installed."""
    try:
        import torch
    except ImportError:
        return ["cpu"]
    devices = ["cpu"]
    devices += [
        f"cuda:{i} {torch.cuda.get_device_name(i)}" for i in range(torch.cuda.device_count())
    ]
    if torch.backends.mps.is_available():
        devices.append("mps")
    return devices


def _kernels() -> str:
    from matinee.kernels import are_compiled, kernel_cache

    state = "compiled" if are_compiled() else "not compiled yet"
    return f"{state}, cached in {kernel_cache()}"
