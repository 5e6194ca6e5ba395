"""Examples for the helps: noun and verb -> command lines; "" has those of `brokerctl` itself.

Loaded only with a help. A test reads every line as the program would.
"""

EXAMPLES = {
    "": (
        "brokerctl status",
        "brokerctl queue declare orders --type quorum --dlx dead",
        "brokerctl message publish -k orders --body 'one hare'",
        "brokerctl queue list --sort -messages --limit 10",
        "brokerctl --profile prod queue list -o json",
    ),
    "queue": (
        "brokerctl queue list --columns name,messages --sort -messages",
        "brokerctl queue declare orders --type quorum --dlx dead --delivery-limit 5",
        "brokerctl queue delete old older --if-exists --yes",
    ),
    "queue list": (
        "brokerctl queue list --all-vhosts --filter order --sort -messages --limit 10",
        "brokerctl queue list -o csv --columns name,arguments.x-message-ttl",
    ),
    "queue declare": (
        "brokerctl queue declare orders --type quorum --dlx dead --delivery-limit 5",
        "brokerctl queue declare log --type stream --arg x-max-age=7D",
    ),
    "exchange": (
        "brokerctl exchange declare orders --type topic --durable",
        "brokerctl exchange route orders -k order.created --header region=eu",
    ),
    "exchange route": ("brokerctl exchange route orders -k order.created --header region=eu",),
    "binding": (
        "brokerctl binding create events orders -k 'order.#'",
        "brokerctl binding list --source events",
    ),
    "binding create": (
        "brokerctl binding create events orders -k 'order.#'",
        "brokerctl binding create amq.headers orders --arg x-match=all --arg region=eu",
    ),
    "delayed": (
        "brokerctl delayed list reminders",
        "brokerctl delayed cancel reminders --routing-key user.17",
    ),
    "message": (
        "brokerctl message publish -x events -k order.created --body '{\"id\": 17}'",
        "brokerctl message peek orders -n 20 --state unacked",
        "brokerctl message search orders --header customer=17 --older-than 15m",
        "brokerctl message move orders --to orders.later --routing-key order.slow",
        "brokerctl message redrive orders.dead --death-reason rejected --rate 50",
    ),
    "message publish": (
        "brokerctl message publish -k orders --body 'one hare'",
        "brokerctl message publish -x events -k order.created --header region=eu < order.json",
    ),
    "message get": ("brokerctl message get orders -n 5 --ack ack --yes",),
    "message search": ("brokerctl message search orders --header customer=17 --older-than 15m",),
    "message delete": ("brokerctl message delete orders --body '\"test\": true' --count-only",),
    "message move": (
        "brokerctl message move orders --to orders.later --routing-key order.slow",
        "brokerctl message move orders --to-exchange events --rate 100",
    ),
    "message redrive": ("brokerctl message redrive orders.dead --death-reason rejected --rate 50",),
    "job": ("brokerctl job list", "brokerctl job resume 3"),
    "tail": (
        "brokerctl tail exchange events -k 'order.#'",
        "brokerctl tail queue orders --count 10 -o json",
    ),
    "trace": ("brokerctl trace on", "brokerctl tail queue orders", "brokerctl trace off"),
    "connection": (
        "brokerctl connection list --sort user",
        "brokerctl connection close-all --of-user batch --reason 'new release'",
    ),
    "consumer": ("brokerctl consumer list orders", "brokerctl consumer cancel orders ctag1"),
    "user": (
        "brokerctl user add ann --tags monitoring",
        "brokerctl user set-limits ann max-connections=10",
    ),
    "user add": (
        "brokerctl user add ann --tags monitoring",
        "brokerctl user add ann --new-password-file /run/secrets/ann",
    ),
    "permission": (
        "brokerctl permission set ann '^orders' '^orders' '.*' -V shop",
        "brokerctl permission topic-set ann events '^order[.]' '.*' -V shop",
    ),
    "vhost": (
        "brokerctl vhost add shop --description 'the shop' --default-queue-type quorum",
        "brokerctl vhost protect shop",
    ),
    "limit": ("brokerctl limit set max-queues=100 max-connections=50 -V shop",),
    "policy": (
        "brokerctl policy set short '^tmp' max-length=1000 overflow=reject-publish",
        "brokerctl policy set dlx '.*' dead-letter-exchange=dead --apply-to queues --priority 5",
    ),
    "operator-policy": ("brokerctl operator-policy set cap '.*' max-length=100000",),
    "definitions": (
        "brokerctl definitions export all.json",
        "brokerctl definitions import shop.json -V shop",
    ),
    "option": (
        "brokerctl option list --live",
        "brokerctl option set memory_high_watermark=0.5 log_level=debug",
    ),
    "alarm": ("brokerctl alarm set disk", "brokerctl alarm clear disk"),
    "health": (
        "brokerctl health",
        "brokerctl health --check port-listener/5672 --quiet",
    ),
    "top": ("brokerctl top --by messages --filter order",),
    "bench": (
        "brokerctl bench --publishers 2 --consumers 2 --persistent -z 30",
        "brokerctl bench --rate 2000 --size 1000 -o json",
        "brokerctl bench --churn connections --clients 10 -z 10",
        "brokerctl bench --amqp-url amqp://rabbit.example:5672 --count 100000",
    ),
    "api": (
        "brokerctl api GET /overview",
        "brokerctl api GET /queues --query page=1 --query page_size=10",
    ),
    "completion": (
        'eval "$(brokerctl completion bash)"',
        'eval "$(brokerctl completion zsh)"',
        "brokerctl completion fish | source",
    ),
}
