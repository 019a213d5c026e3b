// Copyright (c) 2026, the closewait.remediation maintainers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Go: its poller watches edge-triggered, and a goroutine reads again and again what has ended.
// Arguments: service port, upstream port.
package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
)

var lock sync.Mutex
var upstream net.Conn
var answers chan string

func connect() {
	conn, err := net.Dial("tcp", "127.0.0.1:"+os.Args[2])
	if err != nil {
		panic(err)
	}
	heard := make(chan string, 1)
	upstream, answers = conn, heard
	go func() {
		buffer := make([]byte, 4096)
		for ended := false; ; {
			n, err := conn.Read(buffer)
			if n > 0 {
				heard <- strings.TrimSpace(string(buffer[:n]))
			} else if err != nil && strings.Contains(err.Error(), "closed network") {
				return
			} else if err != nil && !ended {
				ended = true
				close(heard)
			}
		}
	}()
}

func use(word string) string {
	lock.Lock()
	defer lock.Unlock()
	fmt.Fprintf(upstream, "ask %s\n", word)
	answer, ok := <-answers
	if ok {
		return "used " + answer
	}
	upstream.Close()
	connect()
	return "failed EOF"
}

func serve(client net.Conn) {
	defer client.Close()
	line, _ := bufio.NewReader(client).ReadString('\n')
	words := strings.Fields(line)
	if words[0] == "echo" {
		fmt.Fprintf(client, "echoed %s\n", words[1])
	} else {
		fmt.Fprintf(client, "%s\n", use(words[1]))
	}
}

func main() {
	connect()
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Args[1])
	if err != nil {
		panic(err)
	}
	for {
		client, err := listener.Accept()
		if err != nil {
			panic(err)
		}
		go serve(client)
	}
}
