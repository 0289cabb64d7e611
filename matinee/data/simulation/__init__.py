"""Simulated tables of ratings of any size, in the shape of MovieLens.

shapes       the shapes: sizes of the real data sets, and the few numbers that describe them
population   how many ratings users and items have, and what makes an item popular and liked
limits       where feelings become stars, and the error that no model can avoid
simulation   a simulation: its rows in blocks, in memory, or as files
files        CSV, Parquet and folders of parts
"""
