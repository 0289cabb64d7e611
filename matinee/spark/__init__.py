"""Training, evaluation and lists for everybody on Apache Spark, for tables of any size.

The ratings stay where they are, and only the model comes back, in the same file as from any other
training. `session` starts Spark; `source` finds the table, `cells` reads and checks it by the rules
of `data.reading`, `encoding` numbers the ids; `stars` and `lists` learn the items' side with MLlib,
`training` makes models of it; `people` does on the workers what concerns single users; `evaluation`
and `recommendation` use that.

Only this package imports PySpark.
"""
