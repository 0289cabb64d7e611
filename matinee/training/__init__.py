"""What the neural models share: the loop, schedules, the search for a learning rate, history, checkpoints.

Importing this package does not import PyTorch; `training.network` does.
"""
