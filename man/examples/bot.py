#!/usr/bin/env python3
"""A bot that keeps files below a directory: bot.py DIRECTORY

Reads "create NAME TEXT", "append NAME TEXT", "overwrite NAME TEXT" and
"delete NAME", one a line, and says what became of each. One command, one
answer: so the two never wait for each other.
"""
import json
import subprocess
import sys

OPS = {"create": "write", "append": "append", "overwrite": "overwrite",
       "delete": "delete"}

try:
    fswrite = subprocess.Popen(["fswrite", "--ack", sys.argv[1]],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
except OSError as error:
    sys.exit("bot: fswrite: " + error.strerror)


def ask(command):
    fswrite.stdin.write(json.dumps(command).encode() + b"\n")
    fswrite.stdin.flush()
    answer = fswrite.stdout.readline()
    if not answer:
        raise BrokenPipeError
    return json.loads(answer)


try:
    for line in sys.stdin:
        op, name, *text = line.rstrip("\n").split(" ", 2)
        command = {"op": OPS.get(op, op), "path": name}
        if text:
            command["content"] = text[0] + "\n"
        answer = ask(command)
        print("done" if answer["ok"] else answer["message"], flush=True)
except BrokenPipeError:
    sys.exit("bot: fswrite has gone")
