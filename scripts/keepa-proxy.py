#!/usr/bin/env python3
"""A proxy on this host for programs that have https://api.keepa.com built in: their requests go to another server.

    scripts/keepa-proxy.py --to https://tracker.example.com/keepa --folder ~/.keepa-proxy
    HTTPS_PROXY=http://127.0.0.1:8899 REQUESTS_CA_BUNDLE=~/.keepa-proxy/ca.pem python3 program.py

It makes a certificate authority of its own in the folder, which only programs that are told so trust. It needs Python 3 and
openssl, and takes connections to api.keepa.com alone.
"""

import argparse
import http.client
import pathlib
import socketserver
import ssl
import subprocess
import sys
from http.server import BaseHTTPRequestHandler
from urllib.parse import urlsplit

HOST = "api.keepa.com"
TIMEOUT_SECS = 120
# Of one connection alone: they are not passed on.
HOP_BY_HOP = {"connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "host", "content-length"}


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


def certificates(folder):
    """An authority and a certificate of api.keepa.com, made once."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    authority, authority_key = folder / "ca.pem", folder / "ca.key"
    certificate, key = folder / "server.pem", folder / "server.key"
    if certificate.exists():
        return authority, certificate, key
    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    openssl(
        "req", "-x509", *new_key, "-keyout", authority_key, "-out", authority, "-days", "825",
        "-subj", "/CN=keepa-proxy on this host",
        "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign",
    )
    request, extensions = folder / "server.csr", folder / "server.ext"
    openssl("req", "-new", *new_key, "-keyout", key, "-out", request, "-subj", f"/CN={HOST}")
    extensions.write_text(f"subjectAltName=DNS:{HOST}\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n")
    openssl(
        "x509", "-req", "-in", request, "-CA", authority, "-CAkey", authority_key, "-CAcreateserial",
        "-out", certificate, "-days", "825", "-extfile", extensions,
    )
    return authority, certificate, key


class Inside(BaseHTTPRequestHandler):
    """A request of a program, after TLS."""

    protocol_version = "HTTP/1.1"
    target = None

    def forward(self):
        target = self.target
        kind = http.client.HTTPSConnection if target.scheme == "https" else http.client.HTTPConnection
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP}
        connection = kind(target.netloc, timeout=TIMEOUT_SECS)
        try:
            connection.request(self.command, target.path.rstrip("/") + self.path, body or None, headers)
            response = connection.getresponse()
            answer = response.read()
        except OSError as error:
            self.send_error(502, f"no answer: {type(error).__name__}")
            return
        finally:
            connection.close()
        self.send_response(response.status)
        for name, value in response.getheaders():
            if name.lower() not in HOP_BY_HOP:
                self.send_header(name, value)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST = forward

    def log_message(self, *_):
        """The URL holds a key: nothing is logged."""


class Proxy(socketserver.StreamRequestHandler):
    """A connection of a program: CONNECT, and TLS within it."""

    context = None

    def handle(self):
        asked = self.rfile.readline(8192).split()
        while self.rfile.readline(8192).strip():
            pass
        if len(asked) != 3 or asked[0] != b"CONNECT" or asked[1] != f"{HOST}:443".encode():
            self.wfile.write(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n")
            return
        self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        try:
            with self.context.wrap_socket(self.connection, server_side=True) as secured:
                Inside(secured, self.client_address, self.server)
        except (ssl.SSLError, ConnectionError) as error:
            print(f"a connection ended: {type(error).__name__}", file=sys.stderr)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--to", required=True, help="where requests go: https://tracker.example.com/keepa")
    parser.add_argument("--folder", required=True, type=pathlib.Path, help="where the certificates are, or will be")
    parser.add_argument("--listen", default="127.0.0.1:8899", help="default: 127.0.0.1:8899")
    arguments = parser.parse_args()
    authority, certificate, key = certificates(arguments.folder)
    Proxy.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    Proxy.context.load_cert_chain(certificate, key)
    Inside.target = urlsplit(arguments.to)
    host, port = arguments.listen.rsplit(":", 1)
    with Server((host, int(port)), Proxy) as server:
        print(f"HTTPS_PROXY=http://{host}:{server.server_address[1]} REQUESTS_CA_BUNDLE={authority}", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
