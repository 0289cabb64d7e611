"""The web application: pages, a JSON API, and a database of people's ratings.

`import matinee` does not import this package, which needs `matinee[serve]`. Its parts, in reading
order; each imports only from the parts above it:

    settings    settings and limits of the server
    db          database
                schema, migrations         tables, and the migrations that create them
                engine, transactions       connections, transactions and database errors
                people, groups             people with their ratings, groups that watch together
    http        processing of every request and response
                security, rate_limits      security headers and cookies, token buckets
                logs, monitoring           structured logs, metrics for Prometheus
                problems                   errors as problem documents (RFC 9457)
                middleware, protocol       ASGI middleware, limits on request heads
    serving     models
                film_search                filters, orders and the search by title
                work_queue                 slow work, one task at a time
                snapshot, registry         immutable snapshots of models, and their replacement
    api         JSON API
                schemas, dependencies      request and response models, FastAPI dependencies
                responses                  response bodies, which the pages use too
                films, people, operator    endpoints
    pages       HTML pages
                texts, posters, charts     texts, generated posters, SVG charts
                rendering                  templates and static files
                film_cards, visitor        film cards, and the visitor of a page
                explanation_chart          waterfall chart of an explanation
                rate, for_you, film, search, rating_forms, you, import_ratings, groups, film_map,
                models, operator           one file per page
                routes                     registration of all pages
    app         ASGI application
    server      uvicorn server
"""
