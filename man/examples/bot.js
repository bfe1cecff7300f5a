#!/usr/bin/env node
// A bot that keeps files below a directory: bot.js DIRECTORY
//
// Reads "create NAME TEXT", "append NAME TEXT", "overwrite NAME TEXT" and
// "delete NAME", one a line, and says what became of each. One command, one
// answer: so the two never wait for each other.
"use strict";
const { spawn } = require("child_process");
const { createInterface } = require("readline");

const fswrite = spawn("fswrite", ["--ack", process.argv[2]],
    { stdio: ["pipe", "pipe", "inherit"] });
const answers = createInterface({ input: fswrite.stdout })[Symbol.asyncIterator]();
fswrite.on("error", (error) => console.error("bot: " + error.message));
fswrite.stdin.on("error", () => {});

async function ask(command) {
	fswrite.stdin.write(JSON.stringify(command) + "\n");
	const { value, done } = await answers.next();
	if (done)
		throw new Error("fswrite has gone");
	return JSON.parse(value);
}

async function main() {
	for await (const line of createInterface({ input: process.stdin })) {
		const [, op, path, , text] = line.match(/^(\S*) ?(\S*)( ?)(.*)$/);
		const command = { op: op === "create" ? "write" : op, path };
		if (op !== "delete")
			command.content = text + "\n";
		const answer = await ask(command);
		console.log(answer.ok ? "done" : answer.message);
	}
	fswrite.stdin.end();
}

main().catch((error) => {
	console.error("bot: " + error.message);
	process.exit(1);
});
