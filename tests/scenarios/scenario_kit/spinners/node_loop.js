// Copyright (c) 2026, the closewait.remediation maintainers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
//
// Node.js (libuv): arguments are service port and upstream port. "busy FILE" keeps the loop from turning until the file
// is there: an end of the upstream connection that comes meanwhile waits in the epoll set.
'use strict';
const fs = require('fs');
const net = require('net');
const [service, upstreamPort] = process.argv.slice(2).map(Number);
let upstream;
let waiting = [];

function tell(answer) {
  for (const ask of waiting.splice(0)) ask(answer);
}

function connect() {
  const socket = net.connect({ port: upstreamPort, host: '127.0.0.1', allowHalfOpen: true });
  socket.setEncoding('utf8');
  socket.on('data', (text) => tell('used ' + text.trim()));
  const fail = (why) => {
    if (upstream !== socket) return;
    connect();
    socket.destroy();
    tell('failed ' + why);
  };
  socket.on('error', (error) => fail(error.code));
  socket.on('end', () => { if (waiting.length) fail('EOF'); });
  upstream = socket;
}

function use(word, answer) {
  waiting.push(answer);
  if (upstream.readableEnded) upstream.emit('end');
  else upstream.write('ask ' + word + '\n');
}

function serve(client) {
  client.on('error', () => {});
  client.once('data', (line) => {
    const [verb, word] = line.toString().trim().split(' ');
    if (verb === 'echo') client.end('echoed ' + word + '\n');
    else if (verb === 'use') use(word, (text) => client.end(text + '\n'));
    else {
      client.end('busy now\n', () => { while (!fs.existsSync(word)); });
    }
  });
}

connect();
net.createServer(serve).listen(service, '127.0.0.1');
