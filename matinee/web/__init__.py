"""The web: pages, an API, and the database of people's ratings.

Importing matinee imports none of it. It needs `matinee[serve]`.
"""
