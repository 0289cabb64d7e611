"""Reads any table of ratings into a `Dataset`: files, folders, archives, frames and databases.

read             the entry point: selects the reader for a source
options          what the columns mean, and how to treat bad rows
sniff            separator, header and time format of a text file
schema           which column holds what
tables           the table of each kind of source
columnar         the fast reader, by column
row_by_row       the reader that reports each bad row
values           what cells mean: ids, rating_forms, number_forms, times, date_texts (of cells)
unnamed_words, plausible   what may be meant otherwise
summary, summarize         what a table was taken for
archives, sql    zip files; databases
item_metadata, user_metadata   titles, genres and features beside the ratings
"""
