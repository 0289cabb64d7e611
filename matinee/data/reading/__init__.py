"""Reads any table of ratings into a `Dataset`: files, folders, archives, frames and databases.

read             the entry point: selects the reader for a source
options          what the columns mean, and how to treat bad rows
source           paths, folders and archives as one file: compression, archives, encoding, parts
preparation      comments, aligned columns and the like put in order; heads, separator
sniff            header and columns of a text file: header, positions
layouts          the layouts of well-known data sets
schema           which column holds what
tables           the table of each kind of source
columnar         the fast reader, by column
row_by_row       the reader that reports each bad row
values           what cells mean: ids, rating_forms, number_forms, times, date_texts (of cells)
unnamed_words, plausible   what may be meant otherwise
summary, summarize         what a table was taken for
sql              databases
item_metadata, user_metadata   titles, genres and features beside the ratings
"""
