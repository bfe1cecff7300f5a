// schema.js AJV EXAMPLES [KEPT]: holds real lines against the schemas in
// man/schema, by a validator that knows nothing of us. AJV is the directory
// of the npm package, EXAMPLES a file of the lines that the manual pages and
// README.md show, KEPT a directory of what programs have read and written
// (tests/keep.h). Prints "ok - sentence" or "not ok - sentence".
"use strict";
const fs = require("fs");
const path = require("path");

const [ajvDir, examples, kept] = process.argv.slice(2);
const Ajv = require(path.join(ajvDir, "dist/2020")).default;
const MOST = 5; // lines shown of what is wrong

let failed = false;
function is(sentence, wrong) {
	console.log(`${wrong.length === 0 ? "ok" : "not ok"} - ${sentence}`);
	for (const line of wrong.slice(0, MOST))
		console.log(`# ${line}`);
	if (wrong.length > 0)
		failed = true;
}

const schemas = {};
for (const name of ["event", "command", "answer"])
	schemas[name] = JSON.parse(fs.readFileSync(
		`man/schema/${name}.schema.json`, "utf8"));

const ajv = new Ajv({strict: false, allErrors: false});
const bad = Object.keys(schemas).filter(n => !ajv.validateSchema(schemas[n]));
is("the schemas are JSON Schema 2020-12",
	bad.map(n => `${n}: ${ajv.errorsText()}`));

// What is promised to readers is open to further keys; what we write today
// has none that is not described.
const check = {command: ajv.compile(schemas.command)};
for (const name of ["event", "answer"])
	check[name] = ajv.compile({...schemas[name], $id: undefined,
		additionalProperties: false});

function why(name, value) {
	return check[name](value) ? null : ajv.errorsText(check[name].errors);
}
function kindOf(o) {
	return "event" in o ? "event" : "ok" in o ? "answer" : "command";
}
// Lines that are whole, with their numbers; not those that are longer than any
// that is taken.
function* lines(file) {
	const fd = fs.openSync(file), piece = Buffer.alloc(1 << 20);
	const most = 1 << 26;
	let n = 0, parts = [], held = 0, skip = false, got;
	while ((got = fs.readSync(fd, piece)) > 0) {
		const some = piece.subarray(0, got);
		let from = 0, at;
		while ((at = some.indexOf(10, from)) !== -1) {
			n++;
			parts.push(some.subarray(from, at));
			if (!skip)
				yield [n, Buffer.concat(parts).toString()];
			parts = [];
			held = 0;
			skip = false;
			from = at + 1;
		}
		if (!skip) {
			// The piece will be read into again.
			parts.push(Buffer.from(some.subarray(from)));
			held += got - from;
		}
		if (held > most) {
			parts = [];
			held = 0;
			skip = true;
		}
	}
	fs.closeSync(fd);
}

const seen = {event: 0, command: 0, answer: 0};
let wrong = [];
const shown = [];
for (const [n, line] of lines(examples)) {
	const value = JSON.parse(line), name = kindOf(value);
	const reason = why(name, value);
	seen[name]++;
	shown.push([name, value]);
	if (reason !== null)
		wrong.push(`${name}: ${reason}: ${line}`);
}
for (const name in seen)
	if (seen[name] === 0)
		wrong.push(`no ${name} is shown`);
is("each line of JSON that the manual pages and README.md show is valid",
	wrong);

// A schema that lets everything through would please everybody.
const breaks = {
	event: [["event", "made"], ["event", undefined], ["seq", 0],
		["seq", undefined], ["time", "now"], ["path", 7],
		["path", undefined], ["root", undefined], ["type", "folder"],
		["size", -1], ["path_base64", "a"], ["entries", 1],
		["content", "x"], ["frobnicated", true]],
	command: [["op", "apend"], ["op", undefined], ["path", undefined],
		["path", "../a"], ["path", "/a"], ["path", "a//b"],
		["path", "a/"], ["path", ""], ["path", 1], ["mode", "0888"],
		["mode", "4755"], ["path_base64", "a"]],
	answer: [["ok", 1], ["line", 0], ["line", undefined], ["ok", undefined],
		["path", 1], ["size", -1], ["error", "oops, sorry"],
		["message", undefined, v => !v.ok], ["op", "apend"],
		["frobnicated", true]],
};
wrong = [];
for (const [name, value] of shown)
	for (const [key, to, when] of breaks[name]) {
		if (when !== undefined && !when(value))
			continue;
		const broken = {...value};
		if (to === undefined)
			delete broken[key];
		else
			broken[key] = to;
		if (!(to === undefined && !(key in value)) &&
		    why(name, broken) === null)
			wrong.push(`${name}, ${key}: ${JSON.stringify(broken)}`);
	}
is("none of them is valid any more when a key is broken", wrong);

if (kept !== undefined) {
	const files = fs.readdirSync(kept);
	const of = kind => files.filter(f => f.startsWith(`${kind}.`));
	const kinds = new Set();
	let n = 0;

	wrong = [];
	for (const f of of("events"))
		for (const [at, line] of lines(path.join(kept, f))) {
			const value = JSON.parse(line);
			const reason = why("event", value);
			n++;
			kinds.add(value.event);
			if (reason !== null)
				wrong.push(`${f}:${at}: ${reason}: ${line}`);
		}
	// Not every kernel lets its queue overflow on demand.
	const missing = schemas.event.properties.event.enum
		.filter(kind => !kinds.has(kind));
	for (const kind of missing)
		if (kind !== "overflow" && kind !== "resynced")
			wrong.push(`no ${kind} was told`);
	is("each event of the end-to-end tests is valid, each kind among them",
		wrong);
	if (wrong.length === 0 && missing.length > 0)
		console.log(`skip - ${missing} is valid - none was told`);
	console.log(`# ${n} events`);

	// A command that was taken is valid, and one that was refused as it
	// is spelt is not; but some of that no schema can say.
	const spelt = new Set(["bad-command", "bad-path", "unknown-op"]);
	const beyond = /not the same|spelt with escapes|too long|longer|name of fswrite|path_base64/;
	let answers = 0, taken = 0, refused = 0;
	const misses = [];
	wrong = [];
	const wrongCommands = [];
	for (const f of of("answers")) {
		const commands = new Map();
		const input = path.join(kept, f.replace(/^answers/, "commands"));
		if (fs.existsSync(input))
			for (const [at, line] of lines(input))
				commands.set(at, line);
		for (const [at, line] of lines(path.join(kept, f))) {
			if (!line.startsWith("{"))
				continue; // --help, --version
			const value = JSON.parse(line);
			const reason = why("answer", value);
			answers++;
			if (reason !== null)
				wrong.push(`${f}:${at}: ${reason}: ${line}`);
			const command = commands.get(value.line);
			if (command === undefined || value.error === "bad-json" ||
			    value.error === "lone-surrogate" ||
			    value.error === "too-long")
				continue;
			const not = why("command", JSON.parse(command));
			if (spelt.has(value.error)) {
				refused++;
				if (not === null && !beyond.test(value.message) &&
				    !/_base64":"/.test(command))
					misses.push(`${value.message}: ${command}`);
			} else {
				taken++;
				if (not !== null)
					wrongCommands.push(`${not}: ${command}`);
			}
		}
	}
	if (answers === 0)
		wrong.push("no answer was kept");
	if (taken === 0 || refused === 0)
		misses.push("no command was kept");
	is("each answer of the end-to-end tests is valid", wrong);
	is("each command that fswrite takes is valid", wrongCommands);
	is("no command that it refuses as it is spelt is valid", misses);
	console.log(`# ${answers} answers, ${taken} commands taken, ` +
		`${refused} refused`);
}
process.exit(failed ? 1 : 0);
