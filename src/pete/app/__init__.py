"""The verbs as functions: each takes a request and a Notify, and returns a result. Nothing here prints, draws or listens to signals."""
