"""The web: pages, an API, and the database of people's ratings.

Importing matinee imports none of it. It needs `matinee[serve]`. The packages in the order in which
to read them; each imports only from those above it:

    settings    what the server is started with, and its limits
    db          the database
                schema, migrations         the tables, and how they became what they are
                engine, transactions       the connection, and what becomes of database errors
                people, groups             people's ratings, and groups that watch together
    http        what every request and response passes
                security, rate_limits      headers and cookies, token buckets
                logs, monitoring           one line per request, metrics for Prometheus
                problems                   errors as documents with one sentence
                middleware, protocol       all of that around the application, limits on heads
    serving     the models
                film_search                films by title
                work_queue                 long work, one at a time
                snapshot, registry         a model as it was in its file, and its replacement
    api         the JSON API
                schemas, dependencies      what requests and responses look like, who asks
                responses                  what is answered, as plain values
                films, people, operator    the addresses
    pages       the pages
                texts, posters, charts     the English, and what is drawn
                rendering                  templates and static files
                film_cards, visitor        what a card says, and who looks at a page
                explanation_chart          an explanation as a waterfall chart
                rate, for_you, film, search, rating_forms, you, import_ratings, groups, film_map,
                models, operator           one file per page
                routes                     all of them, put into the application
    app         the application, put together
    server      the application under uvicorn
"""
