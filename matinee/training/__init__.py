"""Training of the neural models: loop, engines, schedules, checkpoints and the learning-rate finder.

Importing this package does not import PyTorch; `training.network` and `training.modules` do.
"""
