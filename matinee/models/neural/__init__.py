"""The neural models, trained by the loop in `matinee.training`.

dot_product   a dot product of embeddings with biases; plain matrix factorization
mlp           embeddings with hidden layers
network       a PyTorch module of your own
module_check  a trial call of such a module before its training
common        the settings that they share
"""
