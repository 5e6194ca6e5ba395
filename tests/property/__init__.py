"""Properties that hold for whatever happens: the engine beside models of it."""
