"""Ratings folders: a table on a disk, grouped by user and by item, that is used without reading it.

`folder` says what is in one and opens it, `grouping` sorts a table that is larger than memory, and
`writing` writes a folder whole or not at all.
"""
