# SPDX-License-Identifier: GPL-2.0-or-later
"""How is the daemon asked, and is what it answers what ctl/schema/ promises?"""
import functools
import http.client
import json
import pathlib
import socket
import warnings

import jsonschema

SCHEMAS = pathlib.Path(__file__).resolve().parents[2] / "ctl" / "schema"


class Connection(http.client.HTTPConnection):
    def __init__(self, path, timeout=20):
        super().__init__("kvmtuned", timeout=timeout)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def get(socket_path, question):
    """The status and the text."""
    connection = Connection(socket_path)
    try:
        connection.request("GET", question)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def objects(schema):
    """Every schema of an object within this one."""
    if isinstance(schema, list):
        for part in schema:
            yield from objects(part)
    elif isinstance(schema, dict):
        if "properties" in schema:
            yield schema
        for part in schema.values():
            yield from objects(part)


def texts(value):
    """Every text in an answer, names of members too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for part in value:
            yield from texts(part)
    elif isinstance(value, dict):
        yield from value
        for part in value.values():
            yield from texts(part)


@functools.cache
def validator_of(name):
    schema = json.loads((SCHEMAS / f"{name}.json").read_text())
    kind = jsonschema.Draft202012Validator
    kind.check_schema(schema)
    for part in objects(schema):
        assert part.get("additionalProperties") is False and "required" in part, \
            f"{name}.json lets members come and go: {list(part['properties'])}"
    with warnings.catch_warnings():  # what newer versions want instead, Debian's does not have
        warnings.simplefilter("ignore", DeprecationWarning)
        return kind(schema, resolver=jsonschema.RefResolver(f"{SCHEMAS.as_uri()}/", schema))


def complaints(name, text):
    """What is wrong with this answer, by the schema of that name."""
    answer = json.loads(text.decode("ascii"))
    for error in validator_of(name).iter_errors(answer):
        yield f"{'.'.join(map(str, error.absolute_path))}: {error.message[:300]}"
    for part in texts(answer):
        if not part.isprintable():
            yield f"not printable: {part!r}"


def checked(name, text):
    """The answer, which is as promised."""
    wrong = list(complaints(name, text))
    assert not wrong, f"{name}: {wrong[0]}"
    return json.loads(text)
