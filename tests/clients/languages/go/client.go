// Package main runs amqp091-go against a broker and prints the transcript that expected.txt holds.
// Arguments: host, port, and a prefix for the names of queues and exchanges.
package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"sort"
	"strconv"

	amqp "github.com/rabbitmq/amqp091-go"
)

var name, queue, exchange, dead string

func must[T any](value T, err error) T {
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func declare(connection *amqp.Connection) *amqp.Channel {
	channel := must(connection.Channel())
	check(channel.ExchangeDeclare(exchange, "topic", true, false, false, false, nil))
	must(channel.QueueDeclare(dead, true, false, false, false, nil))
	declared := must(channel.QueueDeclare(queue, true, false, false, false, amqp.Table{
		"x-max-length":              1000,
		"x-dead-letter-exchange":    "",
		"x-dead-letter-routing-key": dead,
	}))
	check(channel.QueueBind(queue, "order.#", exchange, false, nil))
	fmt.Println("declared", declared.Messages, declared.Consumers)
	return channel
}

func publish(connection *amqp.Connection) {
	channel := must(connection.Channel())
	check(channel.Confirm(false))
	confirmed := 0
	var last *amqp.DeferredConfirmation
	for number := 1; number <= 100; number++ {
		last = must(channel.PublishWithDeferredConfirmWithContext(context.Background(), exchange, "order.new", false, false, amqp.Publishing{
			DeliveryMode: amqp.Persistent,
			ContentType:  "text/plain",
			Headers:      amqp.Table{"number": int32(7), "text": "hüpf", "list": []interface{}{int32(1), "two", int32(3)}},
			Body:         []byte(strconv.Itoa(number)),
		}))
		confirmed++
	}
	if !last.Wait() {
		panic("nacked")
	}
	fmt.Println("confirmed", confirmed)
	returns := channel.NotifyReturn(make(chan amqp.Return, 1))
	check(channel.PublishWithContext(context.Background(), exchange, "nowhere", true, false, amqp.Publishing{Body: []byte("x")}))
	returned := <-returns
	fmt.Println("returned", returned.ReplyCode, returned.ReplyText, returned.RoutingKey)
	check(channel.Close())
}

func consume(connection *amqp.Connection) {
	channel := must(connection.Channel())
	check(channel.Qos(10, 0, false))
	deliveries := must(channel.Consume(queue, "", false, false, false, false, nil))
	seen, redelivered := []int{}, 0
	for message := range deliveries {
		number := must(strconv.Atoi(string(message.Body)))
		if len(seen) == 0 {
			list := message.Headers["list"].([]interface{})
			fmt.Printf("headers %v %v %v,%v,%v\n", message.Headers["number"], message.Headers["text"], list[0], list[1], list[2])
		}
		if message.Redelivered {
			redelivered = number
		} else if number == 50 {
			check(message.Nack(false, true))
			continue
		} else {
			seen = append(seen, number)
		}
		if number == 60 {
			check(message.Reject(false))
		} else {
			check(message.Ack(false))
		}
		if len(seen) == 99 && redelivered > 0 {
			break
		}
	}
	order := "in order"
	if !sort.IntsAreSorted(seen) {
		order = "in disorder"
	}
	fmt.Println("consumed", len(seen)+1, order)
	fmt.Println("redelivered", redelivered)
	check(channel.Close())
}

func deadLetters(connection *amqp.Connection) {
	channel := must(connection.Channel())
	message, ok, err := channel.Get(dead, true)
	check(err)
	if !ok {
		panic("no dead letter")
	}
	death := message.Headers["x-death"].([]interface{})[0].(amqp.Table)
	fmt.Println("dead", string(message.Body), death["reason"], death["count"], death["queue"])
	if _, ok, err = channel.Get(dead, false); ok {
		fmt.Println("not empty")
	} else {
		fmt.Println("empty")
	}
	check(err)
	check(channel.Close())
}

func refused(err error) {
	if refusal, ok := err.(*amqp.Error); ok {
		fmt.Println(refusal.Code, refusal.Reason)
	} else {
		fmt.Println("not refused", err)
	}
}

func large(connection *amqp.Connection) {
	channel := must(connection.Channel())
	check(channel.PublishWithContext(context.Background(), "", dead, false, false, amqp.Publishing{Body: bytes.Repeat([]byte("x"), 1<<20)}))
	for {
		message, ok, err := channel.Get(dead, true)
		check(err)
		if ok {
			fmt.Println("large", len(message.Body))
			break
		}
	}
	check(channel.Close())
}

func cancelled(connection *amqp.Connection) {
	channel := must(connection.Channel())
	cancels := channel.NotifyCancel(make(chan string, 1))
	must(channel.Consume(dead, "", false, false, false, false, nil))
	deleted := must(must(connection.Channel()).QueueDelete(dead, false, false, false))
	<-cancels
	fmt.Println("cancelled")
	fmt.Println("deleted", deleted)
}

func main() {
	host, port := os.Args[1], os.Args[2]
	name = os.Args[3]
	queue, exchange, dead = name+".q", name+".x", name+".dead"
	connection := must(amqp.Dial("amqp://guest:guest@" + host + ":" + port + "/"))
	fmt.Println("product", connection.Properties["product"])
	channel := declare(connection)
	publish(connection)
	consume(connection)
	deadLetters(connection)
	_, err := must(connection.Channel()).QueueDeclarePassive(name+".missing", false, false, false, false, nil)
	refused(err)
	_, err = must(connection.Channel()).QueueDeclare(queue, false, false, false, false, nil)
	refused(err)
	large(connection)
	cancelled(connection)
	must(channel.QueueDelete(queue, false, false, false))
	check(channel.ExchangeDelete(exchange, false, false))
	check(connection.Close())
	fmt.Println("closed")
}
