"""Parts of `brokerctl` that need no broker."""
