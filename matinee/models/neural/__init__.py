"""The neural models: dot product, embeddings with hidden layers, and a network of your own."""
