"""GStreamer's RTSP server with one mount per stream, on a free port of the loopback.

usage: gst-rtsp-server.py '{"mounts": {"/cam1": "( launch line )"}, …}'

  mounts     path -> launch line with payloaders pay0, pay1, …
  port       default: a free one
  protocols  which of udp, tcp it takes (default both)
  tls        PEM file with certificate and key: RTSP over TLS
  login      {"user": …, "password": …, "methods": ["basic"] or ["digest"]}

Prints the port when it listens, and ends when its input is closed.
"""

import json
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gio, GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

PROTOCOLS = {"udp": GstRtsp.RTSPLowerTrans.UDP, "tcp": GstRtsp.RTSPLowerTrans.TCP}
METHODS = {"basic": GstRtsp.RTSPAuthMethod.BASIC, "digest": GstRtsp.RTSPAuthMethod.DIGEST}
ROLE = "user"


def main():
    wanted = json.loads(sys.argv[1])
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(str(wanted.get("port", 0)))
    protect(server, wanted)
    protocols = PROTOCOLS["udp"] | PROTOCOLS["tcp"]
    if "protocols" in wanted:
        protocols = GstRtsp.RTSPLowerTrans(0)
        for name in wanted["protocols"]:
            protocols |= PROTOCOLS[name]
    for path, line in wanted["mounts"].items():
        factory = GstRtspServer.RTSPMediaFactory()
        factory.set_launch(line)
        factory.set_protocols(protocols)
        if "login" in wanted or "tls" in wanted:
            factory.add_role_from_structure(
                Gst.Structure.new_from_string(
                    ROLE + ", media.factory.access=(boolean)true, media.factory.construct=(boolean)true"
                )
            )
        server.get_mount_points().add_factory(path, factory)
    if server.attach(None) == 0:
        sys.exit("GStreamer's RTSP server does not listen")
    print(server.get_bound_port(), flush=True)
    loop = GLib.MainLoop()
    GLib.io_add_watch(sys.stdin, GLib.IO_IN | GLib.IO_HUP, lambda *_: loop.quit())
    loop.run()


def protect(server, wanted):
    if "login" not in wanted and "tls" not in wanted:
        return
    auth = GstRtspServer.RTSPAuth()
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", ROLE)
    if "tls" in wanted:
        auth.set_tls_certificate(Gio.TlsCertificate.new_from_file(wanted["tls"]))
    if "login" in wanted:
        login = wanted["login"]
        methods = GstRtsp.RTSPAuthMethod(0)
        for name in login["methods"]:
            methods |= METHODS[name]
        auth.set_supported_methods(methods)
        if "basic" in login["methods"]:
            auth.add_basic(GstRtspServer.RTSPAuth.make_basic(login["user"], login["password"]), token)
        if "digest" in login["methods"]:
            auth.add_digest(login["user"], login["password"], token)
    else:
        auth.set_default_token(token)
    server.set_auth(auth)


main()
