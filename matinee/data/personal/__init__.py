"""A person's own ratings, from the file of a site or a table that the person wrote.

personal_ratings   the entry point of the commands; the pages call match_films
match_films        rows of a file -> ratings of items of a model
site_exports       which site a file is from, and its rows
typed_tables       tables that people write: titles or ids, and stars
own_files          CSV in any encoding, JSON, XML and zip files as tables of text
given_ratings      what a cell says: a number, 4/5, 80%, stars, a date
given_scales       the scale of a file, and its conversion to that of a model
rows               one row, whatever the file is
"""
