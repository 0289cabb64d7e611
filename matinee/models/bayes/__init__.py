"""The Bayesian models: draws of a factorization by Gibbs sampling, averaged."""
