"""The engine of the Leveret broker: wire, connections, channels, queues, server.

Only the version lives here, so that importing the package costs nothing.
"""

__version__ = "0.1.0"
