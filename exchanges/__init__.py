"""How a message finds its queues: exchange types, bindings, routing.

Nothing here knows a queue, a socket or a disk; a destination is any object with a name.
"""
