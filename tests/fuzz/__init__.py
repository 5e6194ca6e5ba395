"""Bad input against a real broker: bounded, seeded, and fast enough for every run."""
