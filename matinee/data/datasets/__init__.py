"""Data sets by name: the built-in sample, and the MovieLens releases of GroupLens.

registry   the data sets, with sizes, checksums, licenses and citations
fetch      downloads with a checksum, and finds local copies
load       the ratings of a data set or of any table
sample     the built-in sample
"""
