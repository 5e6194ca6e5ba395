"""Unit tests of the exchanges package."""
