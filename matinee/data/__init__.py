"""Data before a model sees it: ratings, their users and items, titles, features and splits.

vocabulary       ids and row numbers
arguments        what the library's functions take: tables, people, numbers and ids
ratings          the table of ratings, in row numbers
catalog, titles  titles, years and genres of items; titles as search keys
features         side information on users and items
dataset          ratings, catalog and a note: the result of reading
split            training and test parts
describe         a first look at a data set
convert          a data set in another file format
server_ratings   ratings that `matinee serve` collected
simulation/      simulated tables of any size, in the shape of MovieLens
datasets/        the built-in sample and MovieLens
reading/         any table of ratings
personal/        a person's own ratings
"""
