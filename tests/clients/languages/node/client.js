// amqplib against a broker: prints the transcript that expected.txt holds.
// Arguments: host, port, and a prefix for the names of queues and exchanges.
const amqp = require('amqplib')
const { once } = require('node:events')

const [host, port, name] = process.argv.slice(2)
const queue = `${name}.q`
const exchange = `${name}.x`
const dead = `${name}.dead`
const say = (...words) => console.log(words.join(' '))

async function publish(connection) {
  const channel = await connection.createConfirmChannel()
  for (let number = 1; number <= 100; number++) {
    channel.publish(exchange, 'order.new', Buffer.from(String(number)), {
      persistent: true,
      contentType: 'text/plain',
      headers: { number: 7, text: 'hüpf', list: [1, 'two', 3] }
    })
  }
  await channel.waitForConfirms()
  say('confirmed', 100)
  const returned = once(channel, 'return')
  channel.publish(exchange, 'nowhere', Buffer.from('x'), { mandatory: true })
  const [{ fields }] = await returned
  say('returned', fields.replyCode, fields.replyText, fields.routingKey)
  await channel.close()
}

async function consume(connection) {
  const channel = await connection.createChannel()
  await channel.prefetch(10)
  const seen = []
  let redelivered = 0
  await new Promise((resolve) => {
    channel.consume(queue, (message) => {
      const number = Number(message.content.toString())
      const { headers } = message.properties
      if (!seen.length) say('headers', headers.number, headers.text, headers.list.join(','))
      if (message.fields.redelivered) {
        redelivered = number
      } else if (number === 50) {
        channel.nack(message, false, true)
        return
      } else {
        seen.push(number)
      }
      if (number === 60) channel.reject(message, false)
      else channel.ack(message)
      if (seen.length + (redelivered ? 1 : 0) === 100) resolve()
    })
  })
  const sorted = seen.every((number, index) => !index || number > seen[index - 1])
  say('consumed', seen.length + 1, sorted ? 'in order' : 'in disorder')
  say('redelivered', redelivered)
  await channel.close()
}

async function deadLetters(connection) {
  const channel = await connection.createChannel()
  const message = await channel.get(dead, { noAck: true })
  const [death] = message.properties.headers['x-death']
  say('dead', message.content, death.reason, death.count, death.queue)
  say((await channel.get(dead)) === false ? 'empty' : 'not empty')
  await channel.close()
}

async function errors(connection) {
  for (const provoke of [
    (channel) => channel.checkQueue(`${name}.missing`),
    (channel) => channel.assertQueue(queue, { durable: false })
  ]) {
    const channel = await connection.createChannel()
    channel.on('error', () => {})
    await provoke(channel).catch((error) => say(error.code, error.message.match(/"(.*)"$/)[1]))
  }
}

async function large(connection) {
  const channel = await connection.createChannel()
  channel.sendToQueue(dead, Buffer.alloc(1 << 20, 'x'))
  let message = false
  while (!message) message = await channel.get(dead, { noAck: true })
  say('large', message.content.length)
  await channel.close()
}

async function cancelled(connection) {
  const channel = await connection.createChannel()
  const told = new Promise((resolve) => channel.consume(dead, (message) => message || resolve()))
  const other = await connection.createChannel()
  const { messageCount } = await other.deleteQueue(dead)
  await told
  say('cancelled')
  say('deleted', messageCount)
}

async function main() {
  const connection = await amqp.connect(`amqp://guest:guest@${host}:${port}/%2F`)
  say('product', connection.connection.serverProperties.product)
  const channel = await connection.createChannel()
  await channel.assertExchange(exchange, 'topic', { durable: true })
  await channel.assertQueue(dead, { durable: true })
  const { messageCount, consumerCount } = await channel.assertQueue(queue, {
    durable: true,
    arguments: {
      'x-max-length': 1000,
      'x-dead-letter-exchange': '',
      'x-dead-letter-routing-key': dead
    }
  })
  await channel.bindQueue(queue, exchange, 'order.#')
  say('declared', messageCount, consumerCount)
  await publish(connection)
  await consume(connection)
  await deadLetters(connection)
  await errors(connection)
  await large(connection)
  await cancelled(connection)
  await channel.deleteQueue(queue)
  await channel.deleteExchange(exchange)
  await connection.close()
  say('closed')
}

main().catch((error) => {
  console.error(error)
  process.exit(1)
})
