"""A person's own ratings, from a plain CSV or the export of a film site.

personal_ratings   the entry point, for either kind of file
ratings_csv        a CSV with ids or titles and stars
site_exports       exports of Letterboxd, IMDb, MovieLens and matinee
match_films        films of an export -> items of a model
"""
