"""What a fitted model tells people, and its file. `Guide` is the entry point.

guide         a model with titles: predict, recommend, explain, similar, load and save
filters       which items may appear in a list
reranking     lists turned to obscure or popular items, or to more variety
groups        one list for several people
explanation   why an item gets its predicted stars
intervals     how certain a prediction is
co_rating     similar items without item factors
elicitation   which items to ask a new person about
suggestions   the lines of a list
model_file    the `.matinee` format
"""
