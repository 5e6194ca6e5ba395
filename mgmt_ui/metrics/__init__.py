"""Metrics for Prometheus (spec 5): what they are called, and how they are told.

Imported with the first scrape: a broker that nobody scrapes does without.
"""
