"""matinee doctor."""

from matinee import __version__
from tests.helpers import as_json, good


def test_doctor_describes_this_machine() -> None:
    found = as_json("doctor")
    assert set(found) == {
        *(
            "matinee",
            "python",
            "system",
            "numpy",
            "numba",
            "polars",
            "safetensors",
            "torch",
            "cores",
            "threads",
            "vectors",
            "blas",
        ),
        *("devices", "kernels", "data_cache", "matinee_data"),
    }
    assert (found["matinee"], found["matinee_data"]) == (__version__, "not set")
    assert found["cores"] >= 1
    assert found["devices"].startswith("cpu")
    assert found["threads"].startswith(f"{found['cores']} for kernels, each with 1 of BLAS")
    assert found["vectors"].startswith("16 floats at a time, sums of ")
    lines = [line for line in good("doctor").stdout.splitlines() if line]
    assert [line.split("  ")[0] for line in lines] == [name.replace("_", " ") for name in found]
