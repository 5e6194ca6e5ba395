"""The resources of the HTTP API, one module each: from the engine's objects to JSON (spec 3)."""
