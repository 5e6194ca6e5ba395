"""The load comparison with Debian's RabbitMQ: what `scripts/bench` runs.

Nothing here may import the broker's own packages: it measures processes from outside.
"""
