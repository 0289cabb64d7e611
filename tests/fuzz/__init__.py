"""Fuzzing: random damaged input must end in an answer of finite numbers or in a `MatineeError`.

    python -m tests.fuzz --kind models --cases 20000 --seed 1 --workers 2

Each kind is a module that makes and runs one case from a seed and a number, so that a failing case
can be repeated alone. `worker` runs cases in a process of its own, `runner` watches it.
"""
