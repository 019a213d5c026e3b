// Copyright (c) 2026, the closewait.remediation maintainers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
//
// Java NIO: a selector loop that ignores read() == -1. Arguments: service port, upstream port.

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;

public class NioLoop {
    private final Selector selector = Selector.open();
    private final InetSocketAddress peer;
    private SocketChannel upstream;

    private NioLoop(int service, int peerPort) throws IOException {
        peer = new InetSocketAddress("127.0.0.1", peerPort);
        ServerSocketChannel listener = ServerSocketChannel.open();
        listener.bind(new InetSocketAddress("127.0.0.1", service)).configureBlocking(false);
        listener.register(selector, SelectionKey.OP_ACCEPT);
        connect();
    }

    private void connect() throws IOException {
        upstream = SocketChannel.open(peer);
        upstream.configureBlocking(false);
        upstream.register(selector, SelectionKey.OP_READ);
    }

    private String use(String word) throws IOException {
        String why = "EOF";
        try {
            upstream.write(ByteBuffer.wrap(("ask " + word + "\n").getBytes()));
            ByteBuffer answer = ByteBuffer.allocate(4096);
            long deadline = System.nanoTime() + 10_000_000_000L;
            int got = 0;
            while ((got = upstream.read(answer)) == 0 && System.nanoTime() < deadline) {
                Thread.onSpinWait();
            }
            if (got > 0) {
                return "used " + new String(answer.array(), 0, got).trim();
            }
        } catch (IOException error) {
            why = error.getMessage().replace(' ', '_');
        }
        upstream.close();
        connect();
        return "failed " + why;
    }

    private void serve(ServerSocketChannel listener) throws IOException {
        try (SocketChannel client = listener.accept()) {
            ByteBuffer line = ByteBuffer.allocate(4096);
            client.read(line);
            String[] words = new String(line.array(), 0, line.position()).trim().split(" ");
            String answer = words[0].equals("echo") ? "echoed " + words[1] : use(words[1]);
            client.write(ByteBuffer.wrap((answer + "\n").getBytes()));
        }
    }

    private void run() throws IOException {
        ByteBuffer sink = ByteBuffer.allocate(4096);
        while (true) {
            selector.select();
            for (SelectionKey key : selector.selectedKeys()) {
                if (key.isValid() && key.isAcceptable()) {
                    serve((ServerSocketChannel) key.channel());
                } else if (key.isValid() && key.isReadable()) {
                    ((SocketChannel) key.channel()).read(sink.clear());
                }
            }
            selector.selectedKeys().clear();
        }
    }

    public static void main(String[] words) throws IOException {
        new NioLoop(Integer.parseInt(words[0]), Integer.parseInt(words[1])).run();
    }
}
