"""Training of the neural models: loop, engines, schedules, checkpoints, learning-rate finder.

Importing this package does not import PyTorch; `training.network` and `training.modules` do.
"""
