"""What arguments and policy come to for one queue."""

from vhosts.settings import DEFAULT_DELIVERY_LIMIT, QueueSettings

QUORUM = {"x-queue-type": ("S", "quorum")}
STREAM = {"x-queue-type": ("S", "stream")}


def test_nothing_said():
    settings = QueueSettings.of({})
    assert settings.queue_type == "classic"
    assert settings.overflow == "drop-head"
    assert settings.message_ttl is None
    assert settings.max_length is None
    assert settings.dead_letter_exchange is None
    assert settings.single_active_consumer is False
    assert settings.delivery_limit is None


def test_arguments():
    settings = QueueSettings.of(
        {
            "x-message-ttl": ("I", 1000),
            "x-expires": ("I", 2000),
            "x-max-length": ("I", 3),
            "x-overflow": ("S", "reject-publish"),
            "x-dead-letter-exchange": ("S", ""),
            "x-dead-letter-routing-key": ("S", "k"),
            "x-max-priority": ("I", 9),
            "x-single-active-consumer": ("t", True),
        }
    )
    assert (settings.message_ttl, settings.expires, settings.max_length) == (1000, 2000, 3)
    assert (settings.dead_letter_exchange, settings.dead_letter_routing_key) == ("", "k")
    assert settings.overflow == "reject-publish"
    assert settings.max_priority == 9
    assert settings.single_active_consumer is True


def test_policy_merges_by_the_rules_of_the_table():
    policy = {"message-ttl": 500, "max-length": 9, "dead-letter-exchange": "theirs", "expires": 7}
    settings = QueueSettings.of(
        {
            "x-message-ttl": ("I", 1000),
            "x-max-length": ("I", 3),
            "x-dead-letter-exchange": ("S", "mine"),
        },
        policy,
    )
    assert (settings.message_ttl, settings.max_length, settings.expires) == (500, 3, 7)
    assert settings.dead_letter_exchange == "mine"


def test_keys_of_other_queue_types_have_no_effect():
    assert QueueSettings.of(STREAM, {"message-ttl": 5}).message_ttl is None
    assert QueueSettings.of({}, {"delayed-retry-min": 5}).delayed_retry_min is None


def test_delivery_limit_of_quorum_queues():
    assert QueueSettings.of(QUORUM).delivery_limit == DEFAULT_DELIVERY_LIMIT
    assert QueueSettings.of({**QUORUM, "x-delivery-limit": ("I", 2)}).delivery_limit == 2
    assert QueueSettings.of({**QUORUM, "x-delivery-limit": ("I", -1)}).delivery_limit is None
    assert QueueSettings.of(QUORUM, {"delivery-limit": 3}).delivery_limit == 3


def test_delivery_limit_of_classic_queues_is_the_policys():
    assert QueueSettings.of({}).delivery_limit is None
    assert QueueSettings.of({}, {"delivery-limit": 5}).delivery_limit == 5
    assert QueueSettings.of({}, {"delivery-limit": -1}).delivery_limit is None


def test_quorum_queues_cannot_dead_letter_what_they_refuse():
    arguments = {**QUORUM, "x-overflow": ("S", "reject-publish-dlx")}
    assert QueueSettings.of(arguments).overflow == "drop-head"


def test_max_age_is_milliseconds():
    assert QueueSettings.of({**STREAM, "x-max-age": ("S", "2h")}).max_age == 7_200_000
    assert QueueSettings.of(STREAM, {"max-age": "1D"}).max_age == 86_400_000


def test_consumer_timeout_zero_means_none():
    assert QueueSettings.of({"x-consumer-timeout": ("I", 0)}).consumer_timeout is None
    assert QueueSettings.of({"x-consumer-timeout": ("I", 5)}).consumer_timeout == 5
