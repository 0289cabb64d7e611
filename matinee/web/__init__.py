"""The web application: pages, a JSON API, and a database of people's ratings.

`import matinee` does not import this package, which needs `matinee[serve]`. Its parts, in reading
order; each imports only from the parts above it:

    settings    settings and limits of the server
    latency     buckets and quantiles of durations
    db          database
                schema, migrations         tables, and the migrations that create them
                engine, transactions       connections, transactions and database errors
                people, groups             people with their ratings, groups that watch together
                film_lists, devices        watchlists, further devices and recovery codes
                traffic, overview          traffic over time; all people and films
                training_jobs              trainings that the operator has started
                rate_tokens                limits per client that worker processes share
                catalog, migration_of_ids  what the item ids mean, and moves to other ids
    http        processing of every request and response
                rate_limits                token buckets, numbers of connections
                logs, monitoring           structured logs, metrics for Prometheus
                route_traffic              traffic of each route, from the metrics
                problems                   errors as problem documents (RFC 9457)
                hosts, security            host names; security headers, cookies, origins
                client_limits, bodies      limits per client; bodies, read before they count
                cookie_check               whether a browser keeps cookies
                middleware, cross_origin   ASGI middleware, scripts of other origins
                protocol                   limits on request heads and connections
    serving     models
                film_search                filters, orders and the search by title
                work_queue                 slow work, one task at a time
                servable                   models that pages and addresses can show
                snapshot, registry         immutable snapshots of models, and their replacement
                uploads, import_process, import_worker
                                           uploaded files, read in a process with limits
                catalog_check              refusal of models of other films
                comparison, retraining     models compared on the people here, and trained anew
    api         JSON API
                schemas, dependencies      request and response models, FastAPI dependencies
                responses                  response bodies, which the pages use too
                films, people, imports, groups, operator, operator_data
                                           endpoints
                operator_views, schemas_operator
                                           what the operator sees, and its models
                reference                  Swagger UI and ReDoc
    pages       HTML pages
                texts, texts_about, search_texts, texts_film
                                           texts
                posters, charts            generated posters, SVG charts
                rendering                  templates and static files
                poster_images              pictures that the operator gives
                film_cards, visitor        film cards, and the visitor of a page
                reasons, lists             reasons on cards, orders of lists
                explanation_chart          waterfall chart of an explanation
                film_words                 a prediction and its reasons in words
                import_by_hand             films that a person finds for rows of an import
                rate, for_you, film, search, rating_forms, you, import_ratings, groups, film_map,
                models, operator, about, browse, watchlist, import_everything, ratings_table,
                devices
                                           one file per page
                operator_access, operator_people, operator_films, operator_training, traffic_charts,
                texts_operator             further pages of the operator, their charts and texts
                group_list                 films of a group's list
                taste_over_time            chart of a person's ratings over time
                texts_people               texts about what people keep
                routes                     registration of all pages
    app         ASGI application
    server      uvicorn server
"""
