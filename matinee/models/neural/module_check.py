"""A check of a person's own PyTorch module before its training, by a few calls with three pairs.

Each way in which a module differs from what `Network` needs is one sentence, instead of an
error of PyTorch or, worse, a training on numbers of the wrong shape.
"""

import copy
import inspect
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from matinee.errors import SettingError

if TYPE_CHECKING:
    from torch import Tensor, nn

_FORWARD = "forward(self, user_index, item_index)"


def check_module(
    module: "nn.Module", n_users: int, n_items: int, find_tables: Callable[[], Sequence[str]]
) -> bool:
    """Calls a copy of the module with the first, a middle and the last user and item.

    Args:
        find_tables: gives the names of the parameters with a row for each user; called once
            the module is known to take all users and items.

    Returns: whether the stars are a column, (B, 1), instead of (B,).

    Raises:
        SettingError: the module is none, takes or returns something else, has too few rows, or
            does not look up each user's row of these parameters.
    """
    import torch

    if not isinstance(module, torch.nn.Module):
        raise SettingError(f"The module must be a torch.nn.Module, not a {type(module).__name__}.")
    _check_signature(module)
    module = copy.deepcopy(module).cpu().eval()
    pairs = _ends(n_users), _ends(n_items)
    try:
        stars = _call(module, pairs)
    except IndexError as error:
        _refuse_too_few_rows(module, pairs, error)
        raise _failure(module, error) from error
    except Exception as error:  # the module may raise anything
        raise _failure(module, error) from error
    _check_stars(module, stars)
    _check_tables(module, pairs, stars, find_tables())
    is_column: bool = stars.dim() == 2
    return is_column


def _ends(n: int) -> "Tensor":
    """The first, the last and a middle index, (3,)."""
    import torch

    return torch.tensor([0, n - 1, n // 2])


def _call(module: "nn.Module", pairs: "tuple[Tensor, Tensor]", **tensors: "Tensor") -> Any:
    """What the module returns, with the same random numbers each time.

    Args:
        tensors: what takes the place of some parameters.
    """
    import torch
    from torch.func import functional_call

    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        return functional_call(module, tensors, pairs)


def _check_signature(module: "nn.Module") -> None:
    try:
        signature = inspect.signature(module.forward)
    except (TypeError, ValueError):  # compiled modules have none
        return
    try:
        signature.bind(None, None)
    except TypeError:
        taken = ", ".join(["self", *signature.parameters])
        raise SettingError(
            f"{_name(module)} has forward({taken}), but the module must have {_FORWARD}: two "
            "tensors of indices, (B,) each."
        ) from None


def _refuse_too_few_rows(
    module: "nn.Module", pairs: "tuple[Tensor, Tensor]", error: IndexError
) -> None:
    """Raises SettingError if the first users or items work and the last do not."""
    users, items = pairs
    first = users * 0
    try:
        _call(module, (first, first))
    except Exception:  # it fails for another reason
        return
    try:
        _call(module, (users, first))
    except IndexError:
        side, n = "users", int(users.max()) + 1
    else:
        side, n = "items", int(items.max()) + 1
    rows = [
        f"{name} {tensor.shape[0]:,}" for name, tensor in module.named_parameters() if tensor.dim()
    ]
    raise SettingError(
        f"{_name(module)} has too few rows for the {n:,} {side}; the rows of its parameters are: "
        f"{', '.join(rows) or 'none'}."
    ) from error


def _failure(module: "nn.Module", error: Exception) -> SettingError:
    reason = (str(error).splitlines() or ["no message"])[0]
    return SettingError(
        f"{_name(module)} fails when it is called as {_FORWARD} with indices of type int64, (B,) "
        f"each: {type(error).__name__}: {reason}"
    )


def _check_stars(module: "nn.Module", stars: object) -> None:
    import torch

    expected = f"{_name(module)} must return the stars of the B pairs as a tensor of shape (B,)"
    if not isinstance(stars, torch.Tensor):
        raise SettingError(f"{expected}, not a {type(stars).__name__}.")
    if tuple(stars.shape) not in ((3,), (3, 1)):
        raise SettingError(f"{expected}; for 3 pairs it returns {tuple(stars.shape)}.")
    if not stars.is_floating_point():
        raise SettingError(f"{expected}, of floating-point numbers, not {stars.dtype}.")
    if not stars.requires_grad:
        raise SettingError(
            f"{expected}; they have no gradient, so nothing can be learned: no parameter that "
            "requires a gradient takes part."
        )


def _check_tables(
    module: "nn.Module", pairs: "tuple[Tensor, Tensor]", stars: "Tensor", tables: Sequence[str]
) -> None:
    """Checks that these parameters stand for the users: with the rows of three people in their
    place, these three get the same stars as before. So `Network` folds in new people."""
    import torch

    users, items = pairs
    parameters = dict(module.named_parameters())
    try:
        rows = {name: parameters[name][users] for name in tables}
        folded = _call(module, (torch.arange(len(users)), items), **rows)
        is_same = torch.allclose(folded, stars, rtol=1e-3, atol=1e-3, equal_nan=True)
    except Exception:  # such as an index beyond the three rows
        is_same = False
    if not is_same:
        raise SettingError(
            f"{_name(module)} must look up whatever belongs to user i in row i of "
            f"{' and '.join(tables)}, and nowhere else. If these are not the tables of the users, "
            'it must name them: user_tables = ("users.weight",).'
        )


def _name(module: "nn.Module") -> str:
    return f"The module {type(module).__name__}"
