import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ConnectionFactory;
import com.rabbitmq.client.DefaultConsumer;
import com.rabbitmq.client.Delivery;
import com.rabbitmq.client.Envelope;
import com.rabbitmq.client.GetResponse;
import com.rabbitmq.client.ShutdownSignalException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;

/**
 * RabbitMQ's Java client against a broker: prints the transcript that expected.txt holds.
 * Arguments: host, port, and a prefix for the names of queues and exchanges.
 */
public class Client {
    private static String name;
    private static String queue;
    private static String exchange;
    private static String dead;

    private interface Provocation {
        void on(Channel channel) throws IOException;
    }

    public static void main(String[] arguments) throws Exception {
        name = arguments[2];
        queue = name + ".q";
        exchange = name + ".x";
        dead = name + ".dead";
        ConnectionFactory factory = new ConnectionFactory();
        factory.setHost(arguments[0]);
        factory.setPort(Integer.parseInt(arguments[1]));
        Connection connection = factory.newConnection();
        System.out.println("product " + connection.getServerProperties().get("product"));
        Channel channel = declare(connection);
        publish(connection);
        consume(connection);
        deadLetters(connection);
        refused(connection, on -> on.queueDeclarePassive(name + ".missing"));
        refused(connection, on -> on.queueDeclare(queue, false, false, false, null));
        large(connection);
        cancelled(connection);
        channel.queueDelete(queue);
        channel.exchangeDelete(exchange);
        connection.close();
        System.out.println("closed");
    }

    private static Channel declare(Connection connection) throws IOException {
        Channel channel = connection.createChannel();
        channel.exchangeDeclare(exchange, "topic", true);
        channel.queueDeclare(dead, true, false, false, null);
        Map<String, Object> arguments = new HashMap<>();
        arguments.put("x-max-length", 1000);
        arguments.put("x-dead-letter-exchange", "");
        arguments.put("x-dead-letter-routing-key", dead);
        AMQP.Queue.DeclareOk declared = channel.queueDeclare(queue, true, false, false, arguments);
        channel.queueBind(queue, exchange, "order.#");
        System.out.println("declared " + declared.getMessageCount() + " " + declared.getConsumerCount());
        return channel;
    }

    private static void publish(Connection connection) throws Exception {
        Channel channel = connection.createChannel();
        channel.confirmSelect();
        Map<String, Object> headers = new HashMap<>();
        headers.put("number", 7);
        headers.put("text", "hüpf");
        headers.put("list", Arrays.asList(1, "two", 3));
        AMQP.BasicProperties properties = new AMQP.BasicProperties.Builder()
            .deliveryMode(2).contentType("text/plain").headers(headers).build();
        for (int number = 1; number <= 100; number++) {
            channel.basicPublish(exchange, "order.new", properties, String.valueOf(number).getBytes());
        }
        channel.waitForConfirmsOrDie(10000);
        System.out.println("confirmed 100");
        CountDownLatch returned = new CountDownLatch(1);
        channel.addReturnListener((code, text, from, key, ignored, body) -> {
            System.out.println("returned " + code + " " + text + " " + key);
            returned.countDown();
        });
        channel.basicPublish(exchange, "nowhere", true, null, "x".getBytes());
        returned.await();
        channel.close();
    }

    private static void consume(Connection connection) throws Exception {
        Channel channel = connection.createChannel();
        channel.basicQos(10);
        BlockingQueue<Delivery> arrived = new LinkedBlockingQueue<>();
        channel.basicConsume(queue, false, new DefaultConsumer(channel) {
            @Override
            public void handleDelivery(String tag, Envelope envelope, AMQP.BasicProperties with, byte[] body) {
                arrived.add(new Delivery(envelope, with, body));
            }
        });
        List<Integer> seen = new ArrayList<>();
        int redelivered = 0;
        while (seen.size() < 99 || redelivered == 0) {
            Delivery message = arrived.take();
            long tag = message.getEnvelope().getDeliveryTag();
            int number = Integer.parseInt(new String(message.getBody()));
            if (seen.isEmpty()) {
                Map<String, Object> headers = message.getProperties().getHeaders();
                StringBuilder list = new StringBuilder();
                for (Object item : (List<?>) headers.get("list")) {
                    list.append(list.length() > 0 ? "," : "").append(item);
                }
                System.out.println("headers " + headers.get("number") + " " + headers.get("text") + " " + list);
            }
            if (message.getEnvelope().isRedeliver()) {
                redelivered = number;
            } else if (number == 50) {
                channel.basicNack(tag, false, true);
                continue;
            } else {
                seen.add(number);
            }
            if (number == 60) {
                channel.basicReject(tag, false);
            } else {
                channel.basicAck(tag, false);
            }
        }
        List<Integer> sorted = new ArrayList<>(seen);
        Collections.sort(sorted);
        System.out.println("consumed " + (seen.size() + 1) + (sorted.equals(seen) ? " in order" : " in disorder"));
        System.out.println("redelivered " + redelivered);
        channel.close();
    }

    private static void deadLetters(Connection connection) throws Exception {
        Channel channel = connection.createChannel();
        GetResponse message = channel.basicGet(dead, true);
        Map<?, ?> death = (Map<?, ?>) ((List<?>) message.getProps().getHeaders().get("x-death")).get(0);
        System.out.println("dead " + new String(message.getBody()) + " " + death.get("reason") + " "
            + death.get("count") + " " + death.get("queue"));
        System.out.println(channel.basicGet(dead, false) == null ? "empty" : "not empty");
        channel.close();
    }

    private static void refused(Connection connection, Provocation provocation) throws Exception {
        try {
            provocation.on(connection.createChannel());
            System.out.println("not refused");
        } catch (IOException error) {
            ShutdownSignalException cause = (ShutdownSignalException) error.getCause();
            AMQP.Channel.Close close = (AMQP.Channel.Close) cause.getReason();
            System.out.println(close.getReplyCode() + " " + close.getReplyText());
        }
    }

    private static void large(Connection connection) throws Exception {
        Channel channel = connection.createChannel();
        channel.basicPublish("", dead, null, new byte[1 << 20]);
        GetResponse message = null;
        while (message == null) {
            message = channel.basicGet(dead, true);
        }
        System.out.println("large " + message.getBody().length);
        channel.close();
    }

    private static void cancelled(Connection connection) throws Exception {
        Channel channel = connection.createChannel();
        CountDownLatch told = new CountDownLatch(1);
        channel.basicConsume(dead, false, new DefaultConsumer(channel) {
            @Override
            public void handleCancel(String tag) {
                told.countDown();
            }
        });
        AMQP.Queue.DeleteOk deleted = connection.createChannel().queueDelete(dead);
        told.await();
        System.out.println("cancelled");
        System.out.println("deleted " + deleted.getMessageCount());
    }
}
