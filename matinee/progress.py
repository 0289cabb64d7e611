"""How a long task tells how far it is."""

from collections.abc import Callable

Progress = Callable[[int, int, str], None]
"""Called after each step with (steps done, steps in all, a few words such as "RMSE 0.851")."""
