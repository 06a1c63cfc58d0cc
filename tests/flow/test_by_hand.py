"""What clients see of an administrator's commands: pause, resume, disable, enable, kill."""

import threading

import pytest

from lib import fake
from lib.basics import PATIENCE_S, text_of, until
from lib.client import tls_client

TEXT = b"Subject: one\r\n\r\ntext\r\n.\r\n"
UNAVAILABLE = "421 4.3.2 The mail server is not available, try again later"
LONG = {"full": "wait 300s"}


def asked(one, *words):
    done = one.run(*words)
    assert done.returncode == 0, done.stderr


def client_of(one):
    """A client that is served, or waits for it."""
    return tls_client(one.daemon.address())


def served(one):
    client = client_of(one)
    client.greet()
    return client


def reasons(one, count):
    events = until(lambda: len(found := one.daemon.events("session")) == count and found,
                   lambda: f"{count} sessions:\n{one.daemon.log()}")
    return [event["reason"] for event in events]


def stages(one):
    return [each["stage"] for each in one.json("sessions")]


def test_new_clients_wait_while_a_backend_is_paused(watched, backend):
    server = backend(fake.Server())
    one = watched(server.address, **{"backend mta": LONG})
    there = served(one)
    asked(one, "pause", "mta")
    assert there.deliver(TEXT).code == 250
    waiting = [client_of(one) for _ in range(4)]
    until(lambda: stages(one).count("wait") == 4, lambda: f"four wait: {stages(one)}")
    assert one.metric("postern_server_enabled" + label(server)) == 0
    assert there.deliver(TEXT).code == 250
    assert len(server.talks) == 1
    asked(one, "resume", "mta")
    for client in waiting:
        client.greet()
        assert client.deliver(TEXT).code == 250
        client.quit()
    there.quit()
    assert reasons(one, 5) == 5 * ["quit"]
    assert len(server.messages()) == 6


def label(server):
    return '{backend="mta",server="%s"}' % text_of(server.address)


def test_who_waits_too_long_for_a_paused_one_is_told_so(watched, backend):
    server = backend(fake.Server())
    one = watched(server.address, **{"backend mta": {"full": "wait 1s"}})
    asked(one, "pause", "mta")
    with client_of(one) as client:
        client.ends(UNAVAILABLE)
    assert reasons(one, 1) == ["backend-full"]
    assert one.daemon.events("session")[0]["detail"] == "the servers are paused"
    assert server.talks == []
    asked(one, "resume", "mta")
    served(one).quit()


def test_what_waits_is_lost_by_neither_a_reload_nor_a_drain(watched, backend):
    """The pause outlives the reload, and who waited under the old configuration is served."""
    server = backend(fake.Server())
    one = watched(server.address, **{"backend mta": LONG})
    asked(one, "pause", "mta")
    first = client_of(one)
    asked(one, "reload")
    second = client_of(one)
    until(lambda: stages(one) == ["wait", "wait"], lambda: f"both wait: {stages(one)}")
    asked(one, "resume", "mta")
    for client in (first, second):
        client.greet()
        client.quit()
    asked(one, "pause", "mta")
    third = client_of(one)
    until(lambda: stages(one) == ["wait"], "it waits")
    asked(one, "drain")
    third.ends("421 4.3.2 ")
    third.close()
    assert one.daemon.wait_end() == 0


def test_a_disabled_server_gets_no_new_sessions(watched, backend):
    servers = [backend(fake.Server()), backend(fake.Server())]
    names = [text_of(server.address) for server in servers]
    one = watched(servers[0].address, **{"backend mta": LONG | {"server": ", ".join(names)}})
    there = served(one)
    mine, other = sorted(servers, key=lambda server: -len(server.talks))
    asked(one, "disable", text_of(mine.address))
    for _ in range(3):
        client = served(one)
        assert client.deliver(TEXT).code == 250
        client.quit()
    assert there.deliver(TEXT).code == 250
    assert (len(mine.talks), len(other.talks)) == (1, 3)
    # None is left: nobody waits for one to be enabled.
    asked(one, "disable", "mta/" + text_of(other.address))
    with client_of(one) as client:
        client.ends(UNAVAILABLE)
    assert reasons(one, 4)[3] == "backend-down"
    assert there.deliver(TEXT).code == 250
    there.quit()
    asked(one, "enable", text_of(mine.address))
    served(one).quit()
    assert (len(mine.talks), len(other.talks)) == (2, 3)


def test_killed_before_the_verdict_ends_after_it(watched, backend):
    """The message has been given to the server: the client hears of it, and does not send it again."""
    go_on = threading.Event()

    def verdict(talk, _):
        assert go_on.wait(PATIENCE_S)
        talk.say("250 2.0.0 taken")

    server = backend(fake.Server(end=verdict))
    one = watched(server.address, postern={"workers": 1})
    client = served(one)
    client.envelope()
    client.command("DATA", 354)
    client.send(TEXT)
    until(lambda: stages(one) == ["verdict"], "all of the message is there")
    asked(one, "kill", one.json("sessions")[0]["id"])
    served(one).quit()  # so the worker has turned its loop since, and knows
    until(lambda: stages(one) == ["verdict"], "that one is still there")
    go_on.set()
    client.expect("250 2.0.0 taken")
    client.ends("421 4.3.2 ")
    client.close()
    assert sorted(reasons(one, 2)) == ["killed", "quit"]
    assert len(server.messages()) == 1
    record, = one.daemon.events("message")
    assert (record["verdict"], record["told"]) == ("250", "yes")


@pytest.mark.parametrize("said", [b"Subject: one\r\n\r\nhalf a li", b"Subject: one\r\n\r\n.\r"])
def test_killed_in_a_message_delivers_nothing(said, watched, backend):
    server = backend(fake.Server())
    one = watched(server.address)
    client = served(one)
    client.envelope()
    client.command("DATA", 354)
    client.send(said)
    until(lambda: b"Subject" in server.talk().received, "the server has a part of it")
    until(lambda: stages(one) == ["message"], "it is in the message")
    asked(one, "kill", one.json("sessions")[0]["id"])
    client.ends()
    client.close()
    assert reasons(one, 1) == ["killed"]
    until(lambda: server.talk().is_over, "the server's end")
    assert server.messages() == []
    assert server.talk().ended == "reset"
    assert not one.daemon.events("message")
