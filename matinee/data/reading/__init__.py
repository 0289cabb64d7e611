"""Reads any table of ratings into a `Dataset`: files, folders, archives, frames and databases.

read             the entry point: selects the reader for a source
options          what the columns mean, and how to treat bad rows
sniff            separator, header and time format of a text file
schema           which column holds what
columnar         the fast reader, by column
row_by_row       the reader that reports each bad row
archives, sql    zip files; databases
item_metadata, user_metadata   titles, genres and features beside the ratings
"""
