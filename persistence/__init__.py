"""Bytes that survive: definitions and the message log.  Nothing outside of it knows SQL."""
