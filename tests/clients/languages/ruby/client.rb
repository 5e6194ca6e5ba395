# frozen_string_literal: true

# Bunny against a broker: prints the transcript that expected.txt holds.
# Arguments: host, port, and a prefix for the names of queues and exchanges.
require 'bunny'

$stdout.sync = true
host, port, NAME = ARGV
QUEUE = "#{NAME}.q"
EXCHANGE = "#{NAME}.x"
DEAD = "#{NAME}.dead"

def publish(connection)
  channel = connection.create_channel
  channel.confirm_select
  exchange = channel.topic(EXCHANGE, durable: true)
  100.times do |number|
    exchange.publish((number + 1).to_s, routing_key: 'order.new', persistent: true,
                                        content_type: 'text/plain',
                                        headers: { 'number' => 7, 'text' => 'hüpf',
                                                   'list' => [1, 'two', 3] })
  end
  channel.wait_for_confirms or abort 'not confirmed'
  puts 'confirmed 100'
  returned = Queue.new
  exchange.on_return { |info, _, _| returned << info }
  exchange.publish('x', routing_key: 'nowhere', mandatory: true)
  info = returned.pop
  puts "returned #{info.reply_code} #{info.reply_text} #{info.routing_key}"
  channel.close
end

def consume(connection)
  channel = connection.create_channel
  channel.prefetch(10)
  arrived = Queue.new
  queue = channel.queue(QUEUE, passive: true)
  queue.subscribe(manual_ack: true) { |*message| arrived << message }
  seen = []
  redelivered = 0
  while seen.size + (redelivered.zero? ? 0 : 1) < 100
    info, properties, body = arrived.pop
    number = body.to_i
    headers = properties.headers
    puts "headers #{headers['number']} #{headers['text']} #{headers['list'].join(',')}" if seen.empty?
    if info.redelivered?
      redelivered = number
    elsif number == 50
      channel.nack(info.delivery_tag, false, true)
      next
    else
      seen << number
    end
    if number == 60
      channel.reject(info.delivery_tag, false)
    else
      channel.ack(info.delivery_tag)
    end
  end
  puts "consumed #{seen.size + 1} #{seen == seen.sort ? 'in order' : 'in disorder'}"
  puts "redelivered #{redelivered}"
  channel.close
end

def dead_letters(connection)
  channel = connection.create_channel
  _, properties, body = channel.basic_get(DEAD, manual_ack: false)
  death = properties[:headers]['x-death'].first
  puts "dead #{body} #{death['reason']} #{death['count']} #{death['queue']}"
  puts channel.basic_get(DEAD).first.nil? ? 'empty' : 'not empty'
  channel.close
end

def errors(connection)
  [
    ->(channel) { channel.queue("#{NAME}.missing", passive: true) },
    ->(channel) { channel.queue(QUEUE, durable: false) }
  ].each do |provoke|
    provoke.call(connection.create_channel)
  rescue Bunny::ChannelLevelException => e
    puts "#{e.channel_close.reply_code} #{e.channel_close.reply_text}"
  end
end

def large(connection)
  channel = connection.create_channel
  channel.default_exchange.publish('x' * (1 << 20), routing_key: DEAD)
  body = nil
  body = channel.basic_get(DEAD, manual_ack: false).last until body
  puts "large #{body.bytesize}"
  channel.close
end

def cancelled(connection)
  channel = connection.create_channel
  told = Queue.new
  consumer = Bunny::Consumer.new(channel, channel.queue(DEAD, passive: true))
  consumer.on_cancellation { told << true }
  channel.queue(DEAD, passive: true).subscribe_with(consumer)
  deleted = connection.create_channel.queue_delete(DEAD)
  told.pop
  puts 'cancelled'
  puts "deleted #{deleted.message_count}"
end

connection = Bunny.new(host: host, port: port.to_i, log_level: :fatal)
connection.start
puts "product #{connection.server_properties['product']}"
channel = connection.create_channel
exchange = channel.topic(EXCHANGE, durable: true)
channel.queue(DEAD, durable: true)
queue = channel.queue(QUEUE, durable: true,
                             arguments: { 'x-max-length' => 1000, 'x-dead-letter-exchange' => '',
                                          'x-dead-letter-routing-key' => DEAD })
queue.bind(exchange, routing_key: 'order.#')
puts "declared #{queue.message_count} #{queue.consumer_count}"
publish(connection)
consume(connection)
dead_letters(connection)
errors(connection)
large(connection)
cancelled(connection)
queue.delete
exchange.delete
connection.close
puts 'closed'
