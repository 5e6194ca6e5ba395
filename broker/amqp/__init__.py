"""The AMQP 0-9-1 wire, sans-I/O: knows bytes, and nothing of queues, time or sockets."""
