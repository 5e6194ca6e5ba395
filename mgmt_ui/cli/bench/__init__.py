"""The load generator behind `brokerctl bench`: who sends, who receives, what is measured."""
