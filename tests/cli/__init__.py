"""`brokerctl` as people run it: the real program against a real broker."""
