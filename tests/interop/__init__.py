"""Leveret beside a real RabbitMQ: what one writes the other reads."""
