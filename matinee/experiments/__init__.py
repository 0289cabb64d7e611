"""Results of others, reproduced and compared with the published numbers.

published_results   the most accurate published predictions, and `bayes` on the same rows
tutorials           the four tutorials that matinee started from
"""
