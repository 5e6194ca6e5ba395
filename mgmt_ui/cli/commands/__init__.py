"""The nouns of `brokerctl`, one module each: words in, requests out (management reference 7.2)."""
