"""The web console in a real browser, against a real broker with real traffic."""
