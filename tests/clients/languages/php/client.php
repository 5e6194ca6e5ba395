<?php
// php-amqplib against a broker: prints the transcript that expected.txt holds.
// Arguments: host, port, and a prefix for the names of queues and exchanges.
require_once 'PhpAmqpLib/autoload.php';

use PhpAmqpLib\Connection\AMQPStreamConnection;
use PhpAmqpLib\Exception\AMQPBasicCancelException;
use PhpAmqpLib\Exception\AMQPProtocolChannelException;
use PhpAmqpLib\Message\AMQPMessage;
use PhpAmqpLib\Wire\AMQPTable;

[, $host, $port, $name] = $argv;
$queue = "$name.q";
$exchange = "$name.x";
$dead = "$name.dead";

function say(...$words)
{
    echo implode(' ', $words), "\n";
}

function publish($connection, $exchange)
{
    $channel = $connection->channel();
    $channel->confirm_select();
    $confirmed = 0;
    $channel->set_ack_handler(function () use (&$confirmed) {
        $confirmed++;
    });
    for ($number = 1; $number <= 100; $number++) {
        $channel->basic_publish(new AMQPMessage((string) $number, [
            'delivery_mode' => AMQPMessage::DELIVERY_MODE_PERSISTENT,
            'content_type' => 'text/plain',
            'application_headers' => new AMQPTable(
                ['number' => 7, 'text' => 'hüpf', 'list' => [1, 'two', 3]]
            ),
        ]), $exchange, 'order.new');
    }
    $channel->wait_for_pending_acks(10);
    say('confirmed', $confirmed);
    $channel->set_return_listener(function ($code, $text, $exchange, $key) {
        say('returned', $code, $text, $key);
    });
    $channel->basic_publish(new AMQPMessage('x'), $exchange, 'nowhere', true);
    $channel->wait_for_pending_acks_returns(10);
    $channel->close();
}

function consume($connection, $queue)
{
    $channel = $connection->channel();
    $channel->basic_qos(0, 10, false);
    $seen = [];
    $redelivered = 0;
    $handle = function ($message) use (&$seen, &$redelivered) {
        $number = (int) $message->body;
        if (!$seen) {
            $headers = $message->get('application_headers')->getNativeData();
            say('headers', $headers['number'], $headers['text'], implode(',', $headers['list']));
        }
        if ($message->isRedelivered()) {
            $redelivered = $number;
        } elseif ($number === 50) {
            $message->nack(true);
            return;
        } else {
            $seen[] = $number;
        }
        $number === 60 ? $message->reject(false) : $message->ack();
    };
    $channel->basic_consume($queue, '', false, false, false, false, $handle);
    while (count($seen) + ($redelivered ? 1 : 0) < 100) {
        $channel->wait(null, false, 10);
    }
    $sorted = $seen;
    sort($sorted);
    say('consumed', count($seen) + 1, $sorted === $seen ? 'in order' : 'in disorder');
    say('redelivered', $redelivered);
    $channel->close();
}

function dead_letters($connection, $dead)
{
    $channel = $connection->channel();
    $message = $channel->basic_get($dead, true);
    $death = $message->get('application_headers')->getNativeData()['x-death'][0];
    say('dead', $message->body, $death['reason'], $death['count'], $death['queue']);
    say($channel->basic_get($dead) === null ? 'empty' : 'not empty');
    $channel->close();
}

function errors($connection, $name, $queue)
{
    $provocations = [
        fn ($channel) => $channel->queue_declare("$name.missing", true),
        fn ($channel) => $channel->queue_declare($queue, false, false, false, false),
    ];
    foreach ($provocations as $provoke) {
        try {
            $provoke($connection->channel());
        } catch (AMQPProtocolChannelException $error) {
            say($error->amqp_reply_code, $error->amqp_reply_text);
        }
    }
}

function large($connection, $dead)
{
    $channel = $connection->channel();
    $channel->basic_publish(new AMQPMessage(str_repeat('x', 1 << 20)), '', $dead);
    do {
        $message = $channel->basic_get($dead, true);
    } while ($message === null);
    say('large', strlen($message->body));
    $channel->close();
}

function cancelled($connection, $dead)
{
    $channel = $connection->channel();
    $channel->basic_consume($dead, '', false, true, false, false, fn () => null);
    $deleted = $connection->channel()->queue_delete($dead);
    try {
        $channel->wait(null, false, 10);
    } catch (AMQPBasicCancelException $error) {
        say('cancelled');
    }
    say('deleted', $deleted);
}

$connection = new AMQPStreamConnection($host, $port, 'guest', 'guest');
say('product', $connection->getServerProperties()['product'][1]);
$channel = $connection->channel();
$channel->exchange_declare($exchange, 'topic', false, true, false);
$channel->queue_declare($dead, false, true, false, false);
[, $messages, $consumers] = $channel->queue_declare(
    $queue,
    false,
    true,
    false,
    false,
    false,
    new AMQPTable([
        'x-max-length' => 1000,
        'x-dead-letter-exchange' => '',
        'x-dead-letter-routing-key' => $dead,
    ])
);
$channel->queue_bind($queue, $exchange, 'order.#');
say('declared', $messages, $consumers);
publish($connection, $exchange);
consume($connection, $queue);
dead_letters($connection, $dead);
errors($connection, $name, $queue);
large($connection, $dead);
cancelled($connection, $dead);
$channel->queue_delete($queue);
$channel->exchange_delete($exchange);
$connection->close();
say('closed');
