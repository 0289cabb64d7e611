"""Bayesian matrix factorization: the average over the draws of a Gibbs sampler.

model              `BayesianMF`, the model and its settings
gibbs              the sampler
draws              what is stored of the draws, and its Monte Carlo error
fold_in            the posterior of a new user
ordered_probit     the likelihood for ratings in steps
side_information   features of users and items for the prior
time_effects       biases of users that vary over time
"""
