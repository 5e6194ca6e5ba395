"""How people and tools look in: HTTP API, metrics, web console, command line."""
